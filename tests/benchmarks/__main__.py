"""`python -m benchmarks`: run benchmarks, show tables, write JSON."""

import argparse
import shutil
import sys
from pathlib import Path

from benchmarks.parts import PARTS
from benchmarks.report import Report
from benchmarks.run import Run
from benchmarks.sizes import FULL, QUICK
from leopard_local.children import ChildDiedError
from leopard_local.environment import forget_settings
from leopard_local.postgres import PostgresUnavailableError
from leopard_local.rabbitmq import RabbitMQUnavailableError
from leopard_local.stack import StackError
from leopard_local.stores import MigrationError

LOCAL = Path(__file__).resolve().parents[2] / ".local"


def main() -> int:
    """Run the benchmarks. Return 0 if all of them ran, whatever the figures."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure Leopard, ceilings and peers.")
    parser.add_argument("--quick", action="store_true", help="check in two minutes that all benchmarks run")
    parser.add_argument("--only", default="", help=f"parts to run, separated by commas: {','.join(PARTS)}")
    parsed = parser.parse_args()
    forget_settings()
    wanted = [part for part in parsed.only.split(",") if part] or list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; known parts: {', '.join(PARTS)}")
    folder = LOCAL / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    report = Report(LOCAL / f"bench-{'quick' if parsed.quick else 'full'}.json")
    run = Run(folder, LOCAL / "rabbitmq-packages", QUICK if parsed.quick else FULL, report)
    try:
        for part in wanted:
            report.say(f"== {part}")
            PARTS[part](run)
    except (
        ChildDiedError,
        StackError,
        MigrationError,
        PostgresUnavailableError,
        RabbitMQUnavailableError,
        TimeoutError,
    ) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if run.ratios:
        report.ratios(run.ratios)
    report.console.print(f"results written to {report.file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
