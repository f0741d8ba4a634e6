"""Parsers for command arguments. A wrong value ends the process with exit status 2 and a message that names it.

A blank value is always wrong: it comes from an unset shell variable, and must never mean "all".
"""

import json
import math
from typing import Annotated, Any, Final

import typer

from leopard.domain.blank_text import is_blank

_MOST_SECONDS: Final = 7 * 86_400


def seconds(text: str) -> float:
    """A number of seconds, at most a week."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _MOST_SECONDS:
        raise typer.BadParameter(f"must be a number of seconds, from 0 to {_MOST_SECONDS}")
    return value


def count(text: str) -> int:
    """A whole number, at least 1."""
    if not text.strip().isdecimal() or int(text) < 1:
        raise typer.BadParameter("must be a whole number from 1")
    return int(text)


def reason(text: str) -> str:
    """A text that is not blank."""
    if is_blank(text):
        raise typer.BadParameter("is blank; is a shell variable not set? Use --all to choose all dead letters")
    return text


def http_url(text: str) -> str:
    """An HTTP URL."""
    from leopard.urls import checked_http_url

    try:
        return checked_http_url(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def json_object(text: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"is not JSON: {error}") from None
    if not isinstance(value, dict) or not value:
        raise typer.BadParameter("must be a JSON object that is not empty")
    return value


ApiUrl = Annotated[
    str,
    typer.Option("--url", envvar="LEOPARD_API_URL", parser=http_url, metavar="URL", help="The URL of campaign-api."),
]

BrokerWait = Annotated[
    float, typer.Option("--wait-seconds", parser=seconds, metavar="SECONDS", help="How long to wait for RabbitMQ.")
]
