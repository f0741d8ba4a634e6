"""A send starts a campaign once, in one transaction."""

import asyncio
import time
from typing import Any

import httpx2
import pytest

from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers, counts, rows


async def send(client: httpx2.AsyncClient, campaign_id: int, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = await client.post(f"/campaigns/{campaign_id}/send", json=body)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("status", ["draft", "scheduled"])
async def test_a_send_queues_a_message_for_each_customer(
    client: httpx2.AsyncClient, connection: Connection, status: str
) -> None:
    customers = await add_customers(connection, 3)
    campaign_id = await add_campaign(connection, status=status)
    assert await send(client, campaign_id, customer_ids=customers) == (
        200,
        {"campaign_id": campaign_id, "messages_queued": 3, "status": "sending"},
    )
    messages = await rows(connection, "SELECT * FROM outbound_messages ORDER BY customer_id")
    assert [message["customer_id"] for message in messages] == customers
    assert {(m["status"], m["retry_count"], m["rendered_content"]) for m in messages} == {("pending", 0, None)}
    assert (await client.get(f"/campaigns/{campaign_id}")).json()["status"] == "sending"
    assert (await counts(connection, campaign_id)).get("total") == 3


async def test_a_repeated_customer_counts_once(client: httpx2.AsyncClient, connection: Connection) -> None:
    [customer] = await add_customers(connection, 1)
    campaign_id = await add_campaign(connection, status="draft")
    _, answer = await send(client, campaign_id, customer_ids=[customer] * 5)
    assert answer["messages_queued"] == 1
    assert "customers_not_found" not in answer


async def test_unknown_customers_are_omitted_and_listed(client: httpx2.AsyncClient, connection: Connection) -> None:
    [customer] = await add_customers(connection, 1)
    campaign_id = await add_campaign(connection, status="draft")
    unknown = [10**6 + n for n in range(150)] + [2**63 - 1, 2**63, 10**40]
    _, answer = await send(client, campaign_id, customer_ids=[customer, *unknown[::-1]])
    assert answer["messages_queued"] == 1
    assert answer["customers_not_found"] == unknown[::-1][:100]


async def test_a_send_without_an_existing_customer_changes_nothing(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    campaign_id = await add_campaign(connection, status="draft")
    for body in (
        {"customer_ids": [1, 2**63]},
        {"audience": {"all": True}},
        {"audience": {"filter": {"location": "X"}}},
    ):
        status, answer = await send(client, campaign_id, **body)
        assert (status, answer["error"]["code"]) == (400, "NO_VALID_CUSTOMERS")
    assert (await client.get(f"/campaigns/{campaign_id}")).json()["status"] == "draft"
    assert await rows(connection, "SELECT * FROM campaign_chunks") == []


@pytest.mark.parametrize("status", ["sending", "paused", "sent", "failed", "cancelled"])
async def test_only_a_draft_or_a_scheduled_campaign_can_be_sent(
    client: httpx2.AsyncClient, connection: Connection, status: str
) -> None:
    customers = await add_customers(connection, 1)
    campaign_id = await add_campaign(connection, status=status)
    code, answer = await send(client, campaign_id, customer_ids=customers)
    assert (code, answer["error"]["code"]) == (400, "INVALID_STATUS")
    assert await rows(connection, "SELECT * FROM outbound_messages") == []


async def test_only_one_of_many_concurrent_sends_succeeds(client: httpx2.AsyncClient, connection: Connection) -> None:
    customers = await add_customers(connection, 50)
    campaign_id = await add_campaign(connection, status="draft")
    answers = await asyncio.gather(*(send(client, campaign_id, customer_ids=customers) for _ in range(10)))
    assert sorted(status for status, _ in answers) == [200] + [400] * 9
    assert {answer["error"]["code"] for status, answer in answers if status == 400} == {"INVALID_STATUS"}
    assert len(await rows(connection, "SELECT * FROM outbound_messages")) == 50
    assert (await counts(connection, campaign_id)).get("total") == 50


async def test_one_send_can_name_ten_thousand_customers(client: httpx2.AsyncClient, connection: Connection) -> None:
    customers = await add_customers(connection, 10_000)
    campaign_id = await add_campaign(connection, status="draft")
    started = time.monotonic()
    status, answer = await send(client, campaign_id, customer_ids=customers)
    seconds = time.monotonic() - started
    assert (status, answer["messages_queued"]) == (200, 10_000)
    chunks = await rows(
        connection,
        """
        SELECT count(m.id) AS messages FROM campaign_chunks AS c
          JOIN outbound_messages AS m ON m.campaign_id = c.campaign_id
           AND m.customer_id BETWEEN c.first_customer_id AND c.last_customer_id
         GROUP BY c.id
        """,
    )
    assert [chunk["messages"] for chunk in chunks] == [1000] * 10
    assert seconds < 30, "the send is far too slow"


async def test_a_send_to_all_customers_is_counted_but_planned_by_the_dispatcher(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    await add_customers(connection, 5)
    campaign_id = await add_campaign(connection, status="draft")
    assert await send(client, campaign_id, audience={"all": True}) == (
        200,
        {"campaign_id": campaign_id, "messages_queued": 5, "status": "sending"},
    )
    assert await rows(connection, "SELECT * FROM outbound_messages") == []
    campaign = (await client.get(f"/campaigns/{campaign_id}")).json()
    stats = campaign["stats"]
    assert (stats["total"], stats["pending"], stats["sent"], stats["failed"]) == (5, 5, 0, 0)
    assert campaign["audience"] == {"all": True}


async def test_a_send_to_a_filter_reaches_only_matching_customers(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    await add_customers(connection, 5, location="Nairobi")
    await add_customers(connection, 3, location="Kisumu", first_number=5)
    campaign_id = await add_campaign(connection, status="draft")
    _, answer = await send(client, campaign_id, audience={"filter": {"location": "Kisumu"}})
    assert answer["messages_queued"] == 3


async def test_a_customer_deleted_during_a_send_causes_no_error(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    for first_number in range(0, 200, 10):
        customers = await add_customers(connection, 10, first_number=first_number)
        campaign_id = await add_campaign(connection, status="draft")
        (status, answer), deleted = await asyncio.gather(
            send(client, campaign_id, customer_ids=customers), client.delete(f"/customers/{customers[4]}")
        )
        assert deleted.status_code == 204
        assert status == 200
        assert answer["messages_queued"] in {9, 10}
        assert (await counts(connection, campaign_id)).get("total") == 9


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"customer_ids": []},
        {"customer_ids": None},
        {"customer_ids": "all"},
        {"customer_ids": ["1"]},
        {"customer_ids": [1.0]},
        {"customer_ids": [True]},
        {"customer_ids": [0]},
        {"customer_ids": [-1]},
        {"customer_ids": [None]},
        {"customer_ids": [1], "audience": {"all": True}},
        {"audience": {}},
        {"audience": {"all": False}},
        {"audience": {"filter": {}}},
        {"audience": {"filter": {"shoe_size": 43}}},
        {"audience": {"all": True, "filter": {"location": "Nairobi"}}},
        {"audience": {"filter": {"location": "a\0b"}}},
        [],
        "send",
    ],
)
async def test_a_send_without_recipients_is_refused(
    client: httpx2.AsyncClient, connection: Connection, body: Any
) -> None:
    campaign_id = await add_campaign(connection, status="draft")
    answer = await client.post(f"/campaigns/{campaign_id}/send", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"
