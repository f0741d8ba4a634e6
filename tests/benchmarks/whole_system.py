"""The whole system on this machine: from `POST /campaigns/{id}/send` until the campaign is `sent`."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx2
import psycopg

from benchmarks.dataset import TEMPLATE, ensure_customers
from benchmarks.processes import measure
from leopard_local.children import Child
from leopard_local.http_client import http_client
from leopard_local.stack import Stack, running_stack

SETTINGS = {"mock_success_rate": "1"}
"""The default settings, with a provider that never refuses a message. It takes 50 to 200 ms."""


@dataclass(frozen=True)
class SystemScore:
    """The result of one send. CPU seconds are per 10,000 messages."""

    seconds: float
    rate: float
    cpu: dict[str, float]
    rss_mb: dict[str, float]


def whole_system(
    folder: Path,
    packages: Path,
    *,
    customers: int,
    workers: int,
    rows: int = 0,
    settings: Mapping[str, str] = SETTINGS,
) -> SystemScore:
    """Measure one send to all customers.

    Args:
        folder: Data of the stack; existing data are deleted.
        packages: Folder of the unpacked RabbitMQ.
        customers: Number of recipients.
        workers: Number of sender-workers.
        rows: Number of messages of earlier campaigns in the table.
        settings: Settings of all services, by their names without `LEOPARD_`.
    """
    with running_stack(folder, packages=packages, workers=workers, settings=settings, fresh=True) as stack:
        ensure_customers(stack.stores.database_url, customers)
        if rows:
            ensure_messages(stack.stores.database_url, rows)
        with http_client(stack.api_url, timeout=120) as client:
            send(client, stack, [1])  # opens connections and prepares statements
            return measure_send(client, stack, customers)


def measure_send(client: httpx2.Client, stack: Stack, customers: int, template: str = TEMPLATE) -> SystemScore:
    """Measure one send to all customers of a running stack."""
    before = _cpu(stack)
    seconds = send(client, stack, None, template)
    after = _cpu(stack)
    cpu = {name: (after[name] - before[name]) * 10_000 / customers for name in after}
    rss = {name: measure([service.child]).rss_mb for name, service in stack.services.items()}
    return SystemScore(seconds, customers / seconds, cpu, rss)


def single_message_seconds(folder: Path, packages: Path, *, times: int) -> float:
    """Measure the seconds from the send of one message until the provider receives it; return the median.

    The provider answers at once here, so the time of the record is used instead.
    """
    settings = SETTINGS | {"mock_latency_min_seconds": "0", "mock_latency_max_seconds": "0"}
    with running_stack(folder, packages=packages, settings=settings, fresh=True) as stack:
        ensure_customers(stack.stores.database_url, 1)
        taken: list[float] = []
        with (
            http_client(stack.api_url, timeout=60) as client,
            psycopg.connect(stack.stores.database_url, autocommit=True) as connection,
        ):
            for _ in range(times):
                began = time.time()
                campaign_id = start_campaign(client, [1])
                while True:
                    row = connection.execute(
                        "SELECT extract(epoch FROM updated_at)::float8 FROM outbound_messages"
                        " WHERE campaign_id = %s AND status = 'sent'",
                        [campaign_id],
                    ).fetchone()
                    if row is not None:
                        taken.append(row[0] - began)
                        break
                    time.sleep(0.01)
        return median(taken)


def ensure_messages(database_url: str, count: int) -> None:
    """Ensure that the table holds this many finished messages of earlier campaigns."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        customers = connection.execute("SELECT count(*) FROM customers").fetchone()
        assert customers is not None
        existing = connection.execute("SELECT count(*) FROM outbound_messages").fetchone()
        assert existing is not None
        written = existing[0]
        while written < count:
            size = min(customers[0], count - written)
            connection.execute(
                """
                WITH campaign AS (
                    INSERT INTO campaigns (name, channel, base_template, status)
                    VALUES ('earlier', 'sms', %(template)s, 'sent')
                    RETURNING id
                ), counted AS (
                    INSERT INTO campaign_counts (campaign_id, shard, total, sent)
                    SELECT id, 0, %(size)s, %(size)s FROM campaign
                )
                INSERT INTO outbound_messages (campaign_id, customer_id, status, rendered_content)
                SELECT campaign.id, n, 'sent', repeat('x', 100) FROM campaign, generate_series(1, %(size)s) AS n
                """,
                {"template": TEMPLATE, "size": size},
            )
            written += size
        connection.execute("VACUUM (ANALYZE) outbound_messages")
        connection.execute("CHECKPOINT")


def send(client: httpx2.Client, stack: Stack, customer_ids: list[int] | None, template: str = TEMPLATE) -> float:
    """Send a new campaign to these or all customers. Return the seconds until it is `sent`."""
    began = time.monotonic()
    campaign_id = start_campaign(client, customer_ids, template)
    while True:
        campaign = client.get(f"/campaigns/{campaign_id}").raise_for_status().json()
        if campaign["status"] == "sent":
            return time.monotonic() - began
        stack.check()
        time.sleep(0.1)


def start_campaign(client: httpx2.Client, customer_ids: list[int] | None, template: str = TEMPLATE) -> int:
    """Send a new campaign to these or all customers. Return its id."""
    body = {"name": "bench", "channel": "sms", "base_template": template}
    campaign_id: int = client.post("/campaigns", json=body).raise_for_status().json()["id"]
    to = {"audience": {"all": True}} if customer_ids is None else {"customer_ids": customer_ids}
    client.post(f"/campaigns/{campaign_id}/send", json=to).raise_for_status()
    return campaign_id


def processes_of(stack: Stack) -> dict[str, Child]:
    """Return the services and stores of a stack, by their names."""
    children = {name: service.child for name, service in stack.services.items()}
    if stack.stores.postgres is not None:
        children["postgres"] = stack.stores.postgres.child
    if stack.stores.rabbitmq is not None:
        children["rabbitmq"] = stack.stores.rabbitmq.child
    return children


def _cpu(stack: Stack) -> dict[str, float]:
    return {name: measure([child]).cpu_seconds for name, child in processes_of(stack).items()}
