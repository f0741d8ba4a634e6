"""A worker that ends in the middle of a campaign: what is lost and doubled, by the provider's own counts."""

import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.dataset import have_customers
from benchmarks.http_server import HttpServer
from benchmarks.whole_system import begin
from leopard_local.http_client import http_client
from leopard_local.stack import running_stack

KILLED_AT = 0.4
"""The share of the messages that the provider has when the worker is ended."""
LIMITS = {"http_timeout_seconds": "3", "lease_seconds": "10", "backoff_seconds": "1"}
"""A killed worker's claims end with their leases; the default of a minute would only be waited for."""
PATIENCE_SECONDS = 180.0


@dataclass(frozen=True)
class Toll:
    """What the end of a worker cost."""

    lost: int
    """Messages that the provider never got and that are recorded as sent, or not recorded."""
    doubled: int
    """Requests with an idempotency key that the provider had had before."""
    failed: int
    """Messages reported as failed, because their outcome is unknown and is not tried again."""
    seconds: float


def toll_of(
    folder: Path,
    packages: Path,
    server: HttpServer,
    settings: Mapping[str, str],
    *,
    customers: int,
    number: signal.Signals,
    policy: str,
) -> Toll:
    """Send a campaign, end its only worker in the middle, start it again, and count when the campaign is done."""
    settings = {**settings, **LIMITS, "on_unknown_outcome": policy}
    with running_stack(folder, packages=packages, settings=settings, fresh=True) as stack:
        have_customers(stack.stores.database_url, customers)
        worker = stack.services["sender-worker-1"].child
        with http_client(stack.api_url, timeout=60) as client:
            began = time.monotonic()
            campaign_id = begin(client, None)
            deadline = began + PATIENCE_SECONDS
            while server.counts().distinct < customers * KILLED_AT:
                _not_for_ever(deadline)
            if number == signal.SIGKILL:
                worker.kill()
            else:
                worker.stop(number=number)
            worker.start()
            while client.get(f"/campaigns/{campaign_id}").raise_for_status().json()["status"] != "sent":
                _not_for_ever(deadline)
            seconds = time.monotonic() - began
        counts = server.counts()
        statuses = _statuses(stack.stores.database_url)
        # a failed message may have arrived: it is not lost in either case, because its campaign names it
        failed = {message_id for message_id, status in statuses.items() if status == "failed"}
        lost = customers - len(statuses) + len(statuses.keys() - failed - server.message_ids())
        return Toll(lost, counts.requests - counts.distinct, len(failed), seconds)


def _statuses(database_url: str) -> dict[int, str]:
    with psycopg.connect(database_url) as connection:
        return dict(connection.execute("SELECT id, status FROM outbound_messages").fetchall())


def _not_for_ever(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError("the campaign does not go on")
    time.sleep(0.05)
