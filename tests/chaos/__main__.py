"""`python -m chaos --rounds 2`: one JSON line a round; exit status 0 only if nothing was lost or doubled unseen."""

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
    """Run the rounds, with either way of treating unknown outcomes in turn."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, help="of the first round; the next ones count on")
    parser.add_argument("--recipients", type=int, default=20_000)
    parser.add_argument("--policy", choices=["retry", "fail"], help="instead of both in turn")
    parser.add_argument("--keep", action="store_true", help="keep each round's data and logs")
    parsed = parser.parse_args()
    forget_settings()
    first = parsed.seed if parsed.seed is not None else random.randrange(10**6)
    bad = 0
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
        bad += not result.good
    print(f"{parsed.rounds - bad} passed, {bad} failed")  # noqa: T201
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
