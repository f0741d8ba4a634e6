"""The arguments of the `leopard` command. What is wrong ends the process with exit status 2 and is named.

A blank value is always wrong: it comes from a shell variable that is not set, and never means "all".
"""

import math
from argparse import ArgumentParser, ArgumentTypeError
from typing import Final

from leopard.domain.blank_text import is_blank
from leopard.urls import checked_http_url

_MOST_SECONDS: Final = 7 * 86_400


def parser() -> ArgumentParser:
    """The parser of all commands."""
    root = ArgumentParser(prog="leopard", description="Operate Leopard.")
    commands = root.add_subparsers(dest="command", required=True)
    migrating = commands.add_parser("migrate", help="bring the database's schema up to date; safe to run at any time")
    _add_wait(migrating, 60, "how long to wait for PostgreSQL, and then for tables in use")
    waiting = commands.add_parser("wait-for-schema", help="wait until the schema is as new as this version needs it")
    _add_wait(waiting, 300, "how long")
    smoking = commands.add_parser(
        "smoke-test", help="send a campaign to one test customer, wait for its end, and remove the customer"
    )
    smoking.add_argument("url", type=_url, help="where campaign-api is")
    _add_wait(smoking, 120, "how long to wait for the campaign's end")
    letters = commands.add_parser("dead-letters", help="look at the jobs that could not be done")
    actions = letters.add_subparsers(dest="action", required=True)
    _add_broker_wait(actions.add_parser("list", help="how many there are for each reason"))
    showing = actions.add_parser("show", help="the first of them, a JSON object a line")
    showing.add_argument("--limit", type=_count, default=20, help="how many (default: %(default)s)")
    _add_broker_wait(showing)
    for action, what in (("requeue", "put them back into the queue"), ("drop", "drop them for good")):
        choosing = actions.add_parser(action, help=what)
        which = choosing.add_mutually_exclusive_group(required=True)
        which.add_argument("--all", action="store_true", help="all of them")
        which.add_argument("--reason", type=_reason, help="those whose reason contains this text")
        which.add_argument("--number", type=_count, help="the one that `show` gives this number")
        _add_broker_wait(choosing)
    return root


def _add_wait(command: ArgumentParser, default: float, what: str) -> None:
    command.add_argument("--wait-seconds", type=_seconds, default=default, help=f"{what} (default: %(default)s)")


def _add_broker_wait(command: ArgumentParser) -> None:
    _add_wait(command, 10, "how long to wait for RabbitMQ")


def _reason(text: str) -> str:
    if is_blank(text):
        raise ArgumentTypeError("is blank; is a shell variable not set? All letters are meant by --all alone")
    return text


def _url(text: str) -> str:
    try:
        return checked_http_url(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise ArgumentTypeError("must be a whole number from 1")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _MOST_SECONDS:
        raise ArgumentTypeError(f"must be a number of seconds, from 0 to {_MOST_SECONDS}")
    return seconds
