"""The `leopard` command."""

import asyncio
import json
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, Final, TypeVar

from psycopg import Error as DatabaseError
from sqlalchemy.exc import DBAPIError

from leopard.broker import dead_letters
from leopard.broker.dead_letter_queue import DeadLetterError
from leopard.broker.messaging import BROKER_UNAVAILABLE
from leopard.cli.arguments import parser
from leopard.cli.smoke_test import SmokeTestError, send_one
from leopard.db.migration import migrate
from leopard.db.schema import SchemaNotReadyError, wait_for_schema
from leopard.settings import BrokerSettings, DatabaseSettings, LogFormat, LogLevel, MigrationSettings, read_settings
from leopard.store_errors import describe_broker_error, describe_database_error
from leopard.telemetry.logs import configure_logs

T = TypeVar("T")


class CommandError(Exception):
    """A command could not do what it was asked; says why in one line."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status is 0 where it did what it was asked, and 2 for wrong arguments or settings."""
    parsed = parser().parse_args(arguments)
    # standard output is for what a command was asked for
    configure_logs("leopard", LogFormat.AUTO, LogLevel.WARNING, stream="stderr")
    try:
        return _COMMANDS[parsed.command](parsed)
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _migrate(parsed: Namespace) -> int:
    database_url = read_settings(MigrationSettings).url()
    try:
        before, after = migrate(database_url, wait_seconds=parsed.wait_seconds)
    except DBAPIError as error:
        raise CommandError(describe_database_error(error, database_url)) from error
    state = "already at" if before == after else f"migrated from {before or 'nothing'} to"
    print(f"schema {state} {after}")
    return 0


def _wait_for_schema(parsed: Namespace) -> int:
    database_url = read_settings(DatabaseSettings).database_url.get_secret_value()
    try:
        asyncio.run(wait_for_schema(database_url, seconds=parsed.wait_seconds))
    except SchemaNotReadyError as error:
        raise CommandError(str(error)) from error
    except DatabaseError as error:
        raise CommandError(describe_database_error(error, database_url)) from error
    return 0


def _smoke_test(parsed: Namespace) -> int:
    # what was created is removed where the test is ended from outside as well
    signal.signal(signal.SIGTERM, _leave)
    try:
        status = send_one(parsed.url.rstrip("/"), seconds=parsed.wait_seconds)
    except (SmokeTestError, OSError) as error:
        raise CommandError(f"{parsed.url}: {error}") from error
    print(f"the campaign is {status}")
    return 0


def _leave(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _dead_letters(parsed: Namespace) -> int:
    amqp_url = read_settings(BrokerSettings).amqp_url.get_secret_value()
    wait: float = parsed.wait_seconds
    if parsed.action == "list":
        counted = _asked(amqp_url, dead_letters.count_by_reason(amqp_url, wait_seconds=wait))
        for reason, count in counted.most_common():
            print(f"{count:>8}  {reason}")
        print(f"{counted.total():>8}  in all")
        return 0
    if parsed.action == "show":
        for letter in _asked(amqp_url, dead_letters.show(amqp_url, parsed.limit, wait_seconds=wait)):
            print(json.dumps(letter, ensure_ascii=False))
        return 0
    act, done = {"requeue": (dead_letters.requeue, "put back"), "drop": (dead_letters.drop, "dropped")}[parsed.action]
    count = _asked(amqp_url, act(amqp_url, _choice(parsed), wait_seconds=wait))
    print(f"{count} {done}")
    return 0 if count or parsed.all else 1


def _asked(amqp_url: str, asking: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(asking)
    except DeadLetterError as error:
        raise CommandError(str(error)) from error
    except (*BROKER_UNAVAILABLE, OSError) as error:
        raise CommandError(describe_broker_error(error, amqp_url)) from error


def _choice(parsed: Namespace) -> dead_letters.Choice:
    if parsed.all:
        return lambda _number, _letter: True
    if parsed.number is not None:
        return lambda number, _letter: number == parsed.number
    return lambda _number, letter: parsed.reason in letter.reason


_COMMANDS: Final[dict[str, Callable[[Namespace], int]]] = {
    "migrate": _migrate,
    "wait-for-schema": _wait_for_schema,
    "smoke-test": _smoke_test,
    "dead-letters": _dead_letters,
}


if __name__ == "__main__":
    sys.exit(main())
