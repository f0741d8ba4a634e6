"""The demo: a campaign from its creation to its last message, watched over HTTP, checked against the tables."""

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
from leopard_local.stores import GivenStores

STUCK_SECONDS = 120
"""When nothing at all has moved for so long, the demo has failed."""


@dataclass(frozen=True)
class _Truth:
    """What the tables say of a campaign; times in seconds."""

    total: int
    sent: int
    failed: int
    retried: int
    recipients: int
    p50: Decimal | float | None
    p95: Decimal | float | None


_TRUTH = """
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


def run_demo(folder: Path, packages: Path, *, recipients: int, workers: int, given: GivenStores | None = None) -> int:
    """Run it; 0 only if every message is finished and the API's numbers are those of the tables.

    Raises:
        LogAuditError: A log holds what it must not.
    """
    console = Console()
    console.print("starting PostgreSQL, RabbitMQ, campaign-api, dispatcher, sender-worker ...")
    # retries would otherwise wait for up to ten and twenty seconds; a demo has less patience than a recipient
    settings = {"backoff_seconds": "1"}
    with running_stack(folder, packages=packages, workers=workers, settings=settings, given=given, fresh=True) as stack:
        with http_client(stack.api_url, timeout=60) as client:
            ids = _create_customers(client, recipients)
            campaign = client.post("/campaigns", json=CAMPAIGNS[0]).raise_for_status().json()
            started = time.monotonic()
            answer = client.post(f"/campaigns/{campaign['id']}/send", json={"customer_ids": ids})
            answer.raise_for_status()
            console.print(f"POST /campaigns/{campaign['id']}/send answered in {time.monotonic() - started:.2f} s")
            finished = _watch(client, campaign["id"], console, still_there=stack.check)
            seconds = time.monotonic() - started
            _show_messages(client, campaign["id"], console)
        agrees = _compare(stack, finished, recipients, seconds, console)
        console.print("stopping ...")
    check_logs(folder)
    return 0 if agrees else 1


def _create_customers(client: httpx2.Client, count: int) -> list[int]:
    def create(customer: dict[str, str | None]) -> int:
        created: dict[str, Any] = client.post("/customers", json=customer).raise_for_status().json()
        return int(created["id"])

    # a database that is used again has customers already: their numbers must not be met
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
    """Send the demo's campaign through a Leopard that runs already; 0 only if every message is finished."""
    console = Console()
    with http_client(url, timeout=60) as client:
        ids = _create_customers(client, recipients)
        campaign = client.post("/campaigns", json=CAMPAIGNS[0]).raise_for_status().json()
        client.post(f"/campaigns/{campaign['id']}/send", json={"customer_ids": ids}).raise_for_status()
        finished = _watch(client, campaign["id"], console)
    console.print(f"campaign {campaign['id']} is {finished['status']}: {finished['stats']}")
    return 0 if finished["stats"]["pending"] == 0 else 1


def _watch(
    client: httpx2.Client, campaign_id: int, console: Console, *, still_there: Callable[[], None] | None = None
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
        started = moved = time.monotonic()
        done_before = -1
        while True:
            campaign: dict[str, Any] = client.get(f"/campaigns/{campaign_id}").raise_for_status().json()
            stats = campaign["stats"]
            done = stats["sent"] + stats["failed"]
            now = time.monotonic()
            progress.update(task, total=stats["total"], completed=done, rate=done / max(now - started, 0.001))
            if campaign["status"] in {"sent", "failed"}:
                return campaign
            if done != done_before:
                done_before, moved = done, now
            elif now - moved > STUCK_SECONDS:
                console.print(f"[red]nothing has moved for {STUCK_SECONDS} s[/red]")
                return campaign
            if still_there is not None:
                still_there()
            time.sleep(0.2)


def _show_messages(client: httpx2.Client, campaign_id: int, console: Console) -> None:
    page = client.get(f"/campaigns/{campaign_id}/messages", params={"status": "sent", "page_size": 3})
    for message in page.raise_for_status().json()["messages"]:
        console.print(f"  to customer {message['customer_id']}: {message['rendered_content']}", markup=False)


def _compare(stack: Stack, campaign: dict[str, Any], recipients: int, seconds: float, console: Console) -> bool:
    with psycopg.connect(stack.stores.database_url) as connection:
        truth = connection.cursor(row_factory=class_row(_Truth)).execute(_TRUTH, [campaign["id"]]).fetchone()
    assert truth is not None  # noqa: S101 an aggregate always gives a row
    stats = campaign["stats"]
    table = Table("", "API", "table", title=f"campaign {campaign['id']} is {campaign['status']} after {seconds:.1f} s")
    counted = {"total": truth.total, "sent": truth.sent, "failed": truth.failed}
    counted["pending"] = truth.total - truth.sent - truth.failed
    for name, value in counted.items():
        table.add_row(name, str(stats[name]), str(value))
    table.add_row("retried", "", str(truth.retried))
    if truth.p50 is not None and truth.p95 is not None:
        table.add_row("queued to sent, p50", "", f"{truth.p50:.2f} s")
        table.add_row("queued to sent, p95", "", f"{truth.p95:.2f} s")
    console.print(table)
    agrees = (
        all(stats[name] == value for name, value in counted.items())
        and counted["pending"] == 0
        and truth.total == truth.recipients == recipients
    )
    console.print("[green]every message is finished, and the numbers agree[/green]" if agrees else "[red]failed[/red]")
    return bool(agrees)
