"""Whatever is killed, every message is finished in the end."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from leopard_local.stack import Stack


def prepare(client: httpx.Client, stack: Stack, count: int) -> tuple[int, list[int]]:
    """A draft and the customers that it is to go to."""
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


def stats(client: httpx.Client, campaign_id: int) -> dict[str, Any]:
    campaign: dict[str, Any] = client.get(f"/campaigns/{campaign_id}").raise_for_status().json()
    return {"status": campaign["status"], **campaign["stats"]}


def wait_for(client: httpx.Client, campaign_id: int, *, sent: int, seconds: float = 90) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while (found := stats(client, campaign_id))["sent"] < sent:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def wait_until_sent(client: httpx.Client, campaign_id: int, total: int) -> None:
    wait_for(client, campaign_id, sent=total)
    deadline = time.monotonic() + 15
    while (found := stats(client, campaign_id))["status"] != "sent":
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    assert (found["total"], found["pending"], found["sent"], found["failed"]) == (total, 0, total, 0)


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """A client of the API."""
    with httpx.Client(base_url=stack.api_url, timeout=30) as opened:
        yield opened


def test_a_worker_killed_in_mid_flight(stack: Stack, client: httpx.Client) -> None:
    campaign_id, customers = prepare(client, stack, 600)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    wait_for(client, campaign_id, sent=50)
    stack.services["sender-worker-1"].child.kill()
    with psycopg.connect(stack.stores.database_url) as connection:
        held = connection.execute("SELECT count(*) FROM outbound_messages WHERE claimed_until IS NOT NULL").fetchone()
    assert held is not None
    assert held[0] > 0, "the worker must have held messages when it was killed"
    wait_until_sent(client, campaign_id, 600)
    stack.services["sender-worker-1"].child.start()


def test_a_dispatcher_killed_in_mid_campaign(stack: Stack, client: httpx.Client) -> None:
    campaign_id, customers = prepare(client, stack, 3000)
    client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}).raise_for_status()
    time.sleep(0.3)
    dispatcher = stack.services["dispatcher-1"].child
    dispatcher.kill()
    assert stats(client, campaign_id)["pending"] > 0
    dispatcher.start()
    wait_until_sent(client, campaign_id, 3000)


def test_a_send_does_not_wait_for_a_broker_that_is_down(stack: Stack, client: httpx.Client) -> None:
    campaign_id, customers = prepare(client, stack, 200)
    rabbitmq = stack.stores.rabbitmq
    assert rabbitmq is not None
    rabbitmq.child.stop()
    started = time.monotonic()
    answer = client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers})
    assert answer.status_code == 200
    assert time.monotonic() - started < 5
    health = client.get("/health")
    assert health.status_code == 503
    assert health.json()["services"] == {"database": "connected", "queue": "disconnected"}
    time.sleep(2)
    stack.check()
    assert stats(client, campaign_id)["sent"] == 0
    rabbitmq.begin()
    rabbitmq.wait_until_up()
    wait_until_sent(client, campaign_id, 200)
