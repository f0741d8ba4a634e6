"""Follows a campaign to its end: a bar on a terminal, else a line every ten seconds."""

import sys
import time
from collections import deque
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from leopard.cli.api_calls import call_api, get_patiently

_POLL_SECONDS: Final = 1.0
_LINE_SECONDS: Final = 10.0
_RATE_SECONDS: Final = 10
FOLLOWED: Final = frozenset({"scheduled", "sending", "paused"})
"""Statuses that change by themselves, or by another client."""


def follow_campaign(url: str, campaign_id: int) -> dict[str, Any]:
    """Show the progress of a campaign until its status is final; returns the campaign.

    Raises:
        ApiCallError: The API refused, or cannot be reached for a while.
    """
    path = f"{url}/campaigns/{campaign_id}"
    campaign = call_api(path)
    console = Console(stderr=True)
    if not console.is_terminal:
        return _follow_with_lines(path, campaign)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        while campaign["status"] in FOLLOWED:
            stats = campaign["stats"]
            words = f"{campaign['status']}, {stats['failed']:,} failed"
            progress.update(task, description=words, total=stats["total"], completed=stats["total"] - stats["pending"])
            time.sleep(_POLL_SECONDS)
            campaign = get_patiently(path, _POLL_SECONDS)
    return campaign


def _follow_with_lines(path: str, campaign: dict[str, Any]) -> dict[str, Any]:
    said = 0.0
    finished: deque[tuple[float, int]] = deque(maxlen=_RATE_SECONDS)
    while campaign["status"] in FOLLOWED:
        stats, now = campaign["stats"], time.monotonic()
        done = stats["total"] - stats["pending"]
        finished.append((now, done))
        if now - said >= _LINE_SECONDS:
            said = now
            seconds = now - finished[0][0]
            rate = f", {(done - finished[0][1]) / seconds:,.0f}/s" if seconds else ""
            print(f"{campaign['status']}: {done:,} of {stats['total']:,}{rate}", file=sys.stderr, flush=True)
        time.sleep(_POLL_SECONDS)
        campaign = get_patiently(path, _POLL_SECONDS)
    return campaign
