"""Create campaigns in a local stack, and wait until they are sent."""

import time
from typing import Any

import httpx2
import psycopg

from leopard_local.stack import Stack


def create_campaign(client: httpx2.Client, stack: Stack, count: int) -> tuple[int, list[int]]:
    """Create a draft and `count` customers. Return the ids of both."""
    with psycopg.connect(stack.stores.database_url) as connection:
        created = connection.execute(
            """
            INSERT INTO customers (phone, first_name) SELECT '+2547' || lpad(n::text, 8, '0'), 'Customer ' || n
              FROM generate_series((SELECT count(*) FROM customers), (SELECT count(*) FROM customers) + %s - 1) AS n
            RETURNING id
            """,
            [count],
        ).fetchall()
    body = {"name": "recovery", "channel": "sms", "base_template": "Hi {first_name}"}
    campaign_id = client.post("/campaigns", json=body).raise_for_status().json()["id"]
    return campaign_id, [row[0] for row in created]


def campaign_stats(client: httpx2.Client, campaign_id: int) -> dict[str, Any]:
    campaign: dict[str, Any] = client.get(f"/campaigns/{campaign_id}").raise_for_status().json()
    return {"status": campaign["status"], **campaign["stats"]}


def wait_until_sent_count(client: httpx2.Client, campaign_id: int, sent: int, *, seconds: float = 90) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (found := campaign_stats(client, campaign_id))["sent"] < sent:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def wait_until_sent(client: httpx2.Client, campaign_id: int, total: int) -> None:
    wait_until_sent_count(client, campaign_id, total)
    deadline = time.monotonic() + 15
    while (found := campaign_stats(client, campaign_id))["status"] != "sent":
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    assert (found["total"], found["pending"], found["sent"], found["failed"]) == (total, 0, total, 0)
