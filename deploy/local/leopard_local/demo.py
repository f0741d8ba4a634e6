"""The demo: send a campaign, show its progress over HTTP, and compare the API's counts with the tables."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from psycopg.rows import class_row
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from leopard_local.http_client import http_client
from leopard_local.log_audit import check_logs
from leopard_local.sample_data import CAMPAIGNS, customers
from leopard_local.stack import Stack, running_stack
from leopard_local.stores import ExternalStores

STUCK_SECONDS = 120
"""The demo fails when no message has finished for this long."""


@dataclass(frozen=True)
class _ComputedCounts:
    """Figures of a campaign, computed from its messages; times in seconds."""

    total: int
    sent: int
    failed: int
    retried: int
    recipients: int
    p50: Decimal | float | None
    p95: Decimal | float | None


_COUNT_MESSAGES = """
SELECT count(*) AS total,
       count(*) FILTER (WHERE status = 'sent') AS sent,
       count(*) FILTER (WHERE status = 'failed' AND next_attempt_at IS NULL) AS failed,
       count(*) FILTER (WHERE retry_count > 0) AS retried,
       count(DISTINCT customer_id) AS recipients,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM updated_at - created_at))
           FILTER (WHERE status = 'sent') AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM updated_at - created_at))
           FILTER (WHERE status = 'sent') AS p95
  FROM outbound_messages
 WHERE campaign_id = %s
"""


def run_demo(
    folder: Path, packages: Path, *, recipients: int, workers: int, external: ExternalStores | None = None
) -> int:
    """Run the demo. Return 0 only if every message is finished and the API's counts match the tables.

    Raises:
        LogAuditError: A log contains forbidden data.
    """
    console = Console()
    console.print("starting PostgreSQL, RabbitMQ, campaign-api, dispatcher, sender-worker ...")
    # keeps the demo short: by default, retries wait for up to 10 and 20 seconds
    settings = {"backoff_seconds": "1"}
    with running_stack(
        folder, packages=packages, workers=workers, settings=settings, external=external, fresh=True
    ) as stack:
        with http_client(stack.api_url, timeout=60) as client:
            ids = _create_customers(client, recipients)
            campaign = client.post("/campaigns", json=CAMPAIGNS[0]).raise_for_status().json()
            started = time.monotonic()
            answer = client.post(f"/campaigns/{campaign['id']}/send", json={"customer_ids": ids})
            answer.raise_for_status()
            console.print(f"POST /campaigns/{campaign['id']}/send answered in {time.monotonic() - started:.2f} s")
            finished = _watch(client, campaign["id"], console, check_services=stack.check)
            seconds = time.monotonic() - started
            _show_messages(client, campaign["id"], console)
        matches = _matches(stack, finished, recipients, seconds, console)
        console.print("stopping ...")
    check_logs(folder)
    return 0 if matches else 1


def _create_customers(client: httpx2.Client, count: int) -> list[int]:
    def create(customer: dict[str, str | None]) -> int:
        created: dict[str, Any] = client.post("/customers", json=customer).raise_for_status().json()
        return int(created["id"])

    # an existing database already has customers, so choose other phone numbers
    start = random.randrange(10**8)  # noqa: S311 phone numbers, not secrets
    with (
        Progress(
            TextColumn("creating customers"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        ) as progress,
        ThreadPoolExecutor(8) as pool,
    ):
        task = progress.add_task("", total=count)
        ids = []
        for customer_id in pool.map(create, customers(count, start=start)):
            ids.append(customer_id)
            progress.advance(task)
    return ids


def send_demo_campaign(url: str, *, recipients: int) -> int:
    """Send the demo campaign through a running Leopard. Return 0 only if every message is finished."""
    console = Console()
    with http_client(url, timeout=60) as client:
        ids = _create_customers(client, recipients)
        campaign = client.post("/campaigns", json=CAMPAIGNS[0]).raise_for_status().json()
        client.post(f"/campaigns/{campaign['id']}/send", json={"customer_ids": ids}).raise_for_status()
        finished = _watch(client, campaign["id"], console)
    console.print(f"campaign {campaign['id']} is {finished['status']}: {finished['stats']}")
    return 0 if finished["stats"]["pending"] == 0 else 1


def _watch(
    client: httpx2.Client, campaign_id: int, console: Console, *, check_services: Callable[[], None] | None = None
) -> dict[str, Any]:
    columns = (
        TextColumn("sending"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:>6.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=None, rate=0.0)
        started = progressed_at = time.monotonic()
        previous = -1
        while True:
            campaign: dict[str, Any] = client.get(f"/campaigns/{campaign_id}").raise_for_status().json()
            stats = campaign["stats"]
            done = stats["sent"] + stats["failed"]
            now = time.monotonic()
            progress.update(task, total=stats["total"], completed=done, rate=done / max(now - started, 0.001))
            if campaign["status"] in {"sent", "failed"}:
                return campaign
            if done != previous:
                previous, progressed_at = done, now
            elif now - progressed_at > STUCK_SECONDS:
                console.print(f"[red]no message has finished for {STUCK_SECONDS} s[/red]")
                return campaign
            if check_services is not None:
                check_services()
            time.sleep(0.2)


def _show_messages(client: httpx2.Client, campaign_id: int, console: Console) -> None:
    page = client.get(f"/campaigns/{campaign_id}/messages", params={"status": "sent", "page_size": 3})
    for message in page.raise_for_status().json()["messages"]:
        console.print(f"  to customer {message['customer_id']}: {message['rendered_content']}", markup=False)


def _matches(stack: Stack, campaign: dict[str, Any], recipients: int, seconds: float, console: Console) -> bool:
    with psycopg.connect(stack.stores.database_url) as connection:
        computed = (
            connection.cursor(row_factory=class_row(_ComputedCounts))
            .execute(_COUNT_MESSAGES, [campaign["id"]])
            .fetchone()
        )
    assert computed is not None  # noqa: S101 an aggregate always returns a row
    stats = campaign["stats"]
    table = Table("", "API", "table", title=f"campaign {campaign['id']} is {campaign['status']} after {seconds:.1f} s")
    counted = {"total": computed.total, "sent": computed.sent, "failed": computed.failed}
    counted["pending"] = computed.total - computed.sent - computed.failed
    for name, value in counted.items():
        table.add_row(name, str(stats[name]), str(value))
    table.add_row("retried", "", str(computed.retried))
    if computed.p50 is not None and computed.p95 is not None:
        table.add_row("queued to sent, p50", "", f"{computed.p50:.2f} s")
        table.add_row("queued to sent, p95", "", f"{computed.p95:.2f} s")
    console.print(table)
    matches = (
        all(stats[name] == value for name, value in counted.items())
        and counted["pending"] == 0
        and computed.total == computed.recipients == recipients
    )
    console.print("[green]every message is finished, and the counts match[/green]" if matches else "[red]failed[/red]")
    return bool(matches)
