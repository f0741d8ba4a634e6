"""The `leopard` command."""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from typing import Final

from aio_pika.exceptions import AMQPError, ChannelNotFoundEntity
from sqlalchemy.exc import OperationalError

from leopard import dead_letters
from leopard.db.migrating import migrate
from leopard.db.schema import wait_for_schema
from leopard.logs import configure_logs
from leopard.settings import BrokerSettings, DatabaseSettings, LogFormat, LogLevel, MigrationSettings, read_settings
from leopard.smoke import SmokeTestError, send_one


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status is 0 where it did what it was asked."""
    parsed = _parser().parse_args(arguments)
    configure_logs("leopard", LogFormat.AUTO, LogLevel.WARNING)
    try:
        return _COMMANDS[parsed.command](parsed)
    except OperationalError as error:
        print(f"PostgreSQL: {error.orig}", file=sys.stderr)
    except ChannelNotFoundEntity:
        print("RabbitMQ: no queue of dead letters; no service has run yet", file=sys.stderr)
    except (AMQPError, OSError) as error:
        print(f"RabbitMQ: {type(error).__name__}: {error}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="leopard", description="Operate Leopard.")
    commands = parser.add_subparsers(dest="command", required=True)
    migrating = commands.add_parser("migrate", help="bring the database's schema up to date; safe to run at any time")
    migrating.add_argument(
        "--wait-seconds",
        type=float,
        default=60,
        help="how long to wait for PostgreSQL, and then for tables in use (default: %(default)s)",
    )
    waiting = commands.add_parser("wait-for-schema", help="wait until the schema is as new as this version needs it")
    waiting.add_argument("--wait-seconds", type=float, default=300, help="how long (default: %(default)s)")
    smoking = commands.add_parser("smoke-test", help="send a campaign to one customer and wait for its end")
    smoking.add_argument("url", help="where campaign-api is")
    smoking.add_argument("--wait-seconds", type=float, default=120, help="how long (default: %(default)s)")
    letters = commands.add_parser("dead-letters", help="look at the jobs that could not be done")
    actions = letters.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="how many there are for each reason")
    showing = actions.add_parser("show", help="the first of them, a JSON object a line")
    showing.add_argument("--limit", type=int, default=20, help="how many (default: %(default)s)")
    for action, what in (("requeue", "put them back into the queue"), ("drop", "drop them for good")):
        choosing = actions.add_parser(action, help=what)
        which = choosing.add_mutually_exclusive_group(required=True)
        which.add_argument("--all", action="store_true", help="all of them")
        which.add_argument("--reason", help="those whose reason contains this text")
        which.add_argument("--number", type=int, help="the one that `show` gives this number")
    return parser


def _migrate(parsed: argparse.Namespace) -> int:
    before, after = migrate(read_settings(MigrationSettings).url(), wait_seconds=parsed.wait_seconds)
    state = "already at" if before == after else f"migrated from {before or 'nothing'} to"
    print(f"schema {state} {after}")
    return 0


def _wait_for_schema(parsed: argparse.Namespace) -> int:
    database_url = read_settings(DatabaseSettings).database_url.get_secret_value()
    if asyncio.run(wait_for_schema(database_url, seconds=parsed.wait_seconds)):
        return 0
    print("the schema is older than this version needs it, or PostgreSQL does not answer", file=sys.stderr)
    return 1


def _smoke_test(parsed: argparse.Namespace) -> int:
    try:
        status = send_one(parsed.url.rstrip("/"), seconds=parsed.wait_seconds)
    except (SmokeTestError, OSError) as error:
        print(f"{parsed.url}: {error}", file=sys.stderr)
        return 1
    print(f"the campaign is {status}")
    return 0


def _dead_letters(parsed: argparse.Namespace) -> int:
    amqp_url = read_settings(BrokerSettings).amqp_url.get_secret_value()
    if parsed.action == "list":
        counted = asyncio.run(dead_letters.count_by_reason(amqp_url))
        for reason, count in counted.most_common():
            print(f"{count:>8}  {reason}")
        print(f"{counted.total():>8}  in all")
        return 0
    if parsed.action == "show":
        for letter in asyncio.run(dead_letters.show(amqp_url, parsed.limit)):
            print(json.dumps(letter, ensure_ascii=False))
        return 0
    act, done = {"requeue": (dead_letters.requeue, "put back"), "drop": (dead_letters.drop, "dropped")}[parsed.action]
    count = asyncio.run(act(amqp_url, _choice(parsed)))
    print(f"{count} {done}")
    return 0 if count or parsed.all else 1


def _choice(parsed: argparse.Namespace) -> dead_letters.Choice:
    if parsed.all:
        return lambda _number, _letter: True
    if parsed.number is not None:
        return lambda number, _letter: number == parsed.number
    return lambda _number, letter: parsed.reason in dead_letters.reason_of(letter)


_COMMANDS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "migrate": _migrate,
    "wait-for-schema": _wait_for_schema,
    "smoke-test": _smoke_test,
    "dead-letters": _dead_letters,
}


if __name__ == "__main__":
    sys.exit(main())
