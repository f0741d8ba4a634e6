"""`leopard smoke-test`: sends one campaign through a running installation."""

import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from leopard.cli.arguments import http_url, seconds
from leopard.cli.failures import CommandError


def smoke_test(
    url: Annotated[str, typer.Argument(parser=http_url, metavar="URL", help="The URL of campaign-api.")],
    wait_seconds: Annotated[
        float,
        typer.Option(parser=seconds, metavar="SECONDS", help="How long to wait until the campaign is finished."),
    ] = 120,
) -> None:
    """Send a campaign to one test customer, wait until it is finished, and remove the customer."""
    from leopard.cli.smoke_test import SmokeTestError, send_one

    # SIGTERM must not leave the test customer behind
    signal.signal(signal.SIGTERM, _leave)
    try:
        status = send_one(url.rstrip("/"), seconds=wait_seconds)
    except (SmokeTestError, OSError) as error:
        raise CommandError(f"{url}: {error}") from error
    print(f"the campaign is {status}")


def _leave(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)
