"""Starts a dry run at campaign-api, and follows it to its end."""

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from leopard.cli.api_calls import ApiCallError, call_api, get_patiently

_POLL_SECONDS: Final = 0.5
_LINE_SECONDS: Final = 10.0


def run_to_end(url: str, campaign_id: int, request: Mapping[str, Any]) -> dict[str, Any]:
    """Start a dry run and wait for its end, with its progress on standard error; Ctrl-C cancels it.

    Args:
        url: The URL of campaign-api.
        campaign_id: The campaign.
        request: The body of the request: recipients, prices.

    Raises:
        ApiCallError: The API refused it, or cannot be reached.
    """
    found = call_api(f"{url}/campaigns/{campaign_id}/dry-run", request)
    path = f"{url}/dry-runs/{found['id']}"
    try:
        return found if found["status"] != "running" else _follow(path, found)
    except KeyboardInterrupt:
        with suppress(ApiCallError):
            call_api(f"{path}/cancel", {})
        raise


def _follow(path: str, found: dict[str, Any]) -> dict[str, Any]:
    console = Console(stderr=True)
    if not console.is_terminal:
        return _follow_with_lines(path, found)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("dry run", total=found["recipients"])
        while found["status"] == "running":
            time.sleep(_POLL_SECONDS)
            found = get_patiently(path, _POLL_SECONDS)
            progress.update(task, total=found["recipients"], completed=found["rendered"])
    return found


def _follow_with_lines(path: str, found: dict[str, Any]) -> dict[str, Any]:
    said = time.monotonic()
    while found["status"] == "running":
        time.sleep(_POLL_SECONDS)
        found = get_patiently(path, _POLL_SECONDS)
        if time.monotonic() - said >= _LINE_SECONDS:
            said = time.monotonic()
            print(f"rendered {found['rendered']:,} of {found['recipients'] or 0:,}", file=sys.stderr)
    return found
