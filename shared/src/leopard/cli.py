"""The `leopard` command."""

import argparse
import sys

from leopard.db.migrating import migrate
from leopard.logs import configure_logs
from leopard.settings import DatabaseSettings, LogFormat, LogLevel, read_settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status is 0 where it did what it was asked."""
    parser = argparse.ArgumentParser(prog="leopard", description="Operate Leopard.")
    commands = parser.add_subparsers(dest="command", required=True)
    migrating = commands.add_parser("migrate", help="bring the database's schema up to date; safe to run at any time")
    migrating.add_argument(
        "--wait-seconds", type=float, default=60, help="how long to wait for PostgreSQL (default: %(default)s)"
    )
    parsed = parser.parse_args(arguments)
    configure_logs("leopard", LogFormat.AUTO, LogLevel.WARNING)
    return _migrate(parsed.wait_seconds)


def _migrate(wait_seconds: float) -> int:
    settings = read_settings(DatabaseSettings)
    before, after = migrate(settings.database_url.get_secret_value(), wait_seconds=wait_seconds)
    state = "already at" if before == after else f"migrated from {before or 'nothing'} to"
    print(f"schema {state} {after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
