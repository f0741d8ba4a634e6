"""`python -m chaos --rounds 2`: print a JSON line for each round.

The exit status is 0 only if no message was lost and each duplicate was reported as an unknown outcome.
"""

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

from chaos.rounds import run_round
from leopard_local.__main__ import LOCAL, PACKAGES
from leopard_local.environment import forget_settings


def main() -> int:
    """Run the rounds, with the two policies for unknown outcomes in turn."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, help="seed of the first round; each next round adds 1")
    parser.add_argument("--recipients", type=int, default=20_000)
    parser.add_argument("--policy", choices=["retry", "fail"], help="use one policy instead of both in turn")
    parser.add_argument("--keep", action="store_true", help="keep each round's data and logs")
    parsed = parser.parse_args()
    forget_settings()
    first = parsed.seed if parsed.seed is not None else random.randrange(10**6)
    failed = 0
    LOCAL.mkdir(exist_ok=True)
    for seed in range(first, first + parsed.rounds):
        policy = parsed.policy or ("retry" if seed % 2 == 0 else "fail")
        folder = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-", dir=LOCAL)) if parsed.keep else None
        with tempfile.TemporaryDirectory(prefix="leopard-chaos-") as temporary:
            Path(temporary).chmod(0o755)
            result = run_round(
                folder or Path(temporary), PACKAGES, seed=seed, policy=policy, recipients=parsed.recipients
            )
        print(json.dumps(result.line()), flush=True)  # noqa: T201 the result
        failed += not result.passed
    print(f"{parsed.rounds - failed} passed, {failed} failed")  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
