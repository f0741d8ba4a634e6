"""Stop a worker during a campaign, and count lost and duplicate messages at the provider."""

import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.dataset import ensure_customers
from benchmarks.http_server import HttpServer
from benchmarks.whole_system import start_campaign
from leopard_local.http_client import http_client
from leopard_local.stack import running_stack

STOP_AT = 0.4
"""The share of the messages that the provider has received when the worker is stopped."""
LIMITS = {"http_timeout_seconds": "3", "lease_seconds": "10", "backoff_seconds": "1"}
"""Short leases: the campaign waits until the claims of a killed worker expire, by default a minute."""
DEADLINE_SECONDS = 180.0


@dataclass(frozen=True)
class StopResult:
    """Lost, duplicate and failed messages of a campaign whose worker was stopped."""

    lost: int
    """Messages that the provider did not receive, but that are recorded as sent or not recorded at all."""
    duplicates: int
    """Requests that repeat the idempotency key of an earlier request."""
    failed: int
    """Messages that are recorded as failed, because their outcome is unknown and the policy forbids a retry."""
    seconds: float


def stop_worker(
    folder: Path,
    packages: Path,
    server: HttpServer,
    settings: Mapping[str, str],
    *,
    customers: int,
    number: signal.Signals,
    policy: str,
) -> StopResult:
    """Send a campaign, stop its only worker, start it again, wait until the campaign is sent, and count."""
    settings = {**settings, **LIMITS, "on_unknown_outcome": policy}
    with running_stack(folder, packages=packages, settings=settings, fresh=True) as stack:
        ensure_customers(stack.stores.database_url, customers)
        worker = stack.services["sender-worker-1"].child
        with http_client(stack.api_url, timeout=60) as client:
            began = time.monotonic()
            campaign_id = start_campaign(client, None)
            deadline = began + DEADLINE_SECONDS
            while server.counts().distinct < customers * STOP_AT:
                _check_deadline(deadline)
            if number == signal.SIGKILL:
                worker.kill()
            else:
                worker.stop(number=number)
            worker.start()
            while client.get(f"/campaigns/{campaign_id}").raise_for_status().json()["status"] != "sent":
                _check_deadline(deadline)
            seconds = time.monotonic() - began
        counts = server.counts()
        statuses = _statuses(stack.stores.database_url)
        # a failed message is not lost, whether or not it arrived: its campaign reports it
        failed = {message_id for message_id, status in statuses.items() if status == "failed"}
        lost = customers - len(statuses) + len(statuses.keys() - failed - server.message_ids())
        return StopResult(lost, counts.requests - counts.distinct, len(failed), seconds)


def _statuses(database_url: str) -> dict[int, str]:
    with psycopg.connect(database_url) as connection:
        return dict(connection.execute("SELECT id, status FROM outbound_messages").fetchall())


def _check_deadline(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError("the campaign did not reach the expected state in time")
    time.sleep(0.05)
