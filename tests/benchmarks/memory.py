"""Measure memory while a large campaign waits, and the time of a small campaign that starts behind it."""

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dataset import ensure_customers
from benchmarks.processes import measure
from benchmarks.whole_system import SETTINGS, processes_of, send, start_campaign
from leopard_local.http_client import http_client
from leopard_local.stack import Stack, running_stack


@dataclass(frozen=True)
class MemoryScore:
    """Memory of each process in MB after a third of the time and at its end; seconds of a campaign to ten customers."""

    earlier_mb: dict[str, float]
    later_mb: dict[str, float]
    small_campaign_seconds: float
    sent: int


def memory(folder: Path, packages: Path, *, customers: int, seconds: float) -> MemoryScore:
    """Send a campaign to `customers`, and measure memory for `seconds`."""
    with running_stack(folder, packages=packages, settings=SETTINGS, fresh=True) as stack:
        ensure_customers(stack.stores.database_url, customers)
        with http_client(stack.api_url, timeout=60) as client:
            campaign_id = start_campaign(client, None)
            time.sleep(seconds / 3)
            earlier = _megabytes(stack)
            time.sleep(seconds * 2 / 3)
            later = _megabytes(stack)
            small = send(client, stack, list(range(1, 11)))
            sent = client.get(f"/campaigns/{campaign_id}").raise_for_status().json()["stats"]["sent"]
    return MemoryScore(earlier, later, small, sent)


def _megabytes(stack: Stack) -> dict[str, float]:
    # PostgreSQL's processes share most of their memory, so their sum is meaningless
    return {name: measure([child]).rss_mb for name, child in processes_of(stack).items() if name != "postgres"}
