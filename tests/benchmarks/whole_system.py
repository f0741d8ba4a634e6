"""The whole system on this machine: from `POST /campaigns/{id}/send` until the campaign is `sent`."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx2
import psycopg

from benchmarks.dataset import TEMPLATE, have_customers
from benchmarks.processes import weigh
from leopard_local.children import Child
from leopard_local.http_client import http_client
from leopard_local.stack import Stack, running_stack

SETTINGS = {"mock_success_rate": "1"}
"""What a user would run, but for a provider that refuses nothing: it takes 50 to 200 ms."""


@dataclass(frozen=True)
class SystemScore:
    """What one send came to; CPU seconds are for 10,000 messages."""

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
    """One send to all customers.

    Args:
        folder: Where the stack's data are; begun afresh.
        packages: Where RabbitMQ is.
        customers: How many are written to.
        workers: How many sender-workers.
        rows: How many messages of earlier campaigns are in the table already.
        settings: Settings of all services, by their names without `LEOPARD_`.
    """
    with running_stack(folder, packages=packages, workers=workers, settings=settings, fresh=True) as stack:
        have_customers(stack.stores.database_url, customers)
        if rows:
            have_rows(stack.stores.database_url, rows)
        with http_client(stack.api_url, timeout=120) as client:
            send(client, stack, [1])  # connections and prepared statements are there from here on
            before = _cpu(stack)
            seconds = send(client, stack, None)
            after = _cpu(stack)
        cpu = {name: (after[name] - before[name]) * 10_000 / customers for name in after}
        rss = {name: weigh([service.child]).rss_mb for name, service in stack.services.items()}
        return SystemScore(seconds, customers / seconds, cpu, rss)


def lone_message_seconds(folder: Path, packages: Path, *, times: int) -> float:
    """From the send of one message until the provider is asked, in seconds; the median of many.

    The provider takes no time here, so the moment of the record stands for that one.
    """
    settings = SETTINGS | {"mock_latency_min_seconds": "0", "mock_latency_max_seconds": "0"}
    with running_stack(folder, packages=packages, settings=settings, fresh=True) as stack:
        have_customers(stack.stores.database_url, 1)
        taken: list[float] = []
        with (
            http_client(stack.api_url, timeout=60) as client,
            psycopg.connect(stack.stores.database_url, autocommit=True) as connection,
        ):
            for _ in range(times):
                began = time.time()
                campaign_id = begin(client, [1])
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


def have_rows(database_url: str, count: int) -> None:
    """See that there are so many finished messages of earlier campaigns, as they are after their claims and results."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        customers = connection.execute("SELECT count(*) FROM customers").fetchone()
        assert customers is not None
        have = connection.execute("SELECT count(*) FROM outbound_messages").fetchone()
        assert have is not None
        written = have[0]
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


def send(client: httpx2.Client, stack: Stack, customer_ids: list[int] | None) -> float:
    """Send a new campaign to the customers, or to all; the seconds until it is `sent`."""
    began = time.monotonic()
    campaign_id = begin(client, customer_ids)
    while True:
        campaign = client.get(f"/campaigns/{campaign_id}").raise_for_status().json()
        if campaign["status"] == "sent":
            return time.monotonic() - began
        stack.check()
        time.sleep(0.1)


def begin(client: httpx2.Client, customer_ids: list[int] | None) -> int:
    """Send a new campaign to the customers, or to all; its id."""
    body = {"name": "bench", "channel": "sms", "base_template": TEMPLATE}
    campaign_id: int = client.post("/campaigns", json=body).raise_for_status().json()["id"]
    to = {"audience": {"all": True}} if customer_ids is None else {"customer_ids": customer_ids}
    client.post(f"/campaigns/{campaign_id}/send", json=to).raise_for_status()
    return campaign_id


def parts_of(stack: Stack) -> dict[str, Child]:
    """The services and the stores of a stack, by their names."""
    children = {name: service.child for name, service in stack.services.items()}
    if stack.stores.postgres is not None:
        children["postgres"] = stack.stores.postgres.child
    if stack.stores.rabbitmq is not None:
        children["rabbitmq"] = stack.stores.rabbitmq.child
    return children


def _cpu(stack: Stack) -> dict[str, float]:
    return {name: weigh([child]).cpu_seconds for name, child in parts_of(stack).items()}
