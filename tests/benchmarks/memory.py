"""Memory while a campaign of very many waits, and what a small campaign started behind it has to wait."""

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dataset import have_customers
from benchmarks.processes import weigh
from benchmarks.whole_system import SETTINGS, begin, parts_of, send
from leopard_local.http_client import http_client
from leopard_local.stack import Stack, running_stack


@dataclass(frozen=True)
class MemoryScore:
    """MB of every process after a third of the time and at its end; seconds of a campaign to ten."""

    earlier_mb: dict[str, float]
    later_mb: dict[str, float]
    small_campaign_seconds: float
    sent: int


def memory(folder: Path, packages: Path, *, customers: int, seconds: float) -> MemoryScore:
    """Send to so many customers and watch for a while."""
    with running_stack(folder, packages=packages, settings=SETTINGS, fresh=True) as stack:
        have_customers(stack.stores.database_url, customers)
        with http_client(stack.api_url, timeout=60) as client:
            campaign_id = begin(client, None)
            time.sleep(seconds / 3)
            earlier = _megabytes(stack)
            time.sleep(seconds * 2 / 3)
            later = _megabytes(stack)
            small = send(client, stack, list(range(1, 11)))
            sent = client.get(f"/campaigns/{campaign_id}").raise_for_status().json()["stats"]["sent"]
    return MemoryScore(earlier, later, small, sent)


def _megabytes(stack: Stack) -> dict[str, float]:
    # PostgreSQL's processes share most of their memory: their sum says nothing
    return {name: weigh([child]).rss_mb for name, child in parts_of(stack).items() if name != "postgres"}
