"""Requests with the same idempotency key run once and get the same answer."""

import asyncio
from typing import Any

import httpx2
import pytest

from campaign_api.campaigns.requests import NewCampaign
from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers, rows

NEW = {"name": "Summer", "channel": "sms", "base_template": "Hi {nickname}"}


def key(value: str) -> dict[str, str]:
    return {"Idempotency-Key": value}


async def test_a_repeated_send_gets_the_same_answer_and_sends_nothing(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    customers = await add_customers(connection, 3)
    campaign_id = await add_campaign(connection, status="draft")
    body = {"customer_ids": [*customers, 999]}
    answers = [await client.post(f"/campaigns/{campaign_id}/send", json=body, headers=key("a")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].json()["customers_not_found"] == [999]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert len(await rows(connection, "SELECT * FROM outbound_messages")) == 3


async def test_a_repeated_creation_gets_the_same_answer(client: httpx2.AsyncClient, connection: Connection) -> None:
    body = {
        "name": "New",
        "channel": "sms",
        "base_template": "Hi {first_name|uppercase}{{if location}} in {location}{{end}} {nickname}",
        "templates": {"sw": "Habari"},
    }
    answers = [await client.post("/campaigns", json=body, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["warnings"] == ["Unknown placeholder {nickname}"]
    assert len(await rows(connection, "SELECT FROM campaigns")) == 1


async def test_concurrent_requests_with_one_key_get_the_same_answer(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    customers = await add_customers(connection, 20)
    campaign_id = await add_campaign(connection, status="draft")

    async def send() -> Any:
        answer = await client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}, headers=key("a"))
        return answer.status_code, answer.json()

    answers = await asyncio.gather(*(send() for _ in range(8)))
    expected = {"campaign_id": campaign_id, "messages_queued": 20, "status": "sending"}
    assert answers == [(200, expected)] * 8


async def test_a_different_request_with_the_same_key_is_a_conflict(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    customers = await add_customers(connection, 2)
    campaign_id = await add_campaign(connection, status="draft")
    await client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}, headers=key("a"))
    other = await client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers[:1]}, headers=key("a"))
    assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")


async def test_the_key_of_a_failed_request_can_be_used_again(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    campaign_id = await add_campaign(connection, status="draft")
    url = f"/campaigns/{campaign_id}/send"
    assert (await client.post(url, json={"customer_ids": [1]}, headers=key("a"))).status_code == 400
    [customer] = await add_customers(connection, 1)
    assert (await client.post(url, json={"customer_ids": [customer]}, headers=key("a"))).status_code == 200


async def test_requests_without_a_key_or_with_different_keys_all_run(client: httpx2.AsyncClient) -> None:
    for headers in ({}, {}, key("a"), key("b")):
        assert (await client.post("/campaigns", json=NEW, headers=headers)).status_code == 201
    again = await client.post("/campaigns", json=NEW, headers=key("a"))
    assert (again.json()["id"], again.json()["warnings"]) == (3, ["Unknown placeholder {nickname}"])
    assert (await client.get("/campaigns")).json()["pagination"]["total_count"] == 4


async def test_a_key_expires_after_a_day(client: httpx2.AsyncClient, connection: Connection) -> None:
    await client.post("/campaigns", json=NEW, headers=key("a"))
    await connection.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    other = await client.post("/campaigns", json={**NEW, "name": "Autumn"}, headers=key("a"))
    assert (other.status_code, other.json()["id"]) == (201, 2)


@pytest.mark.parametrize("value", ["", "x" * 256])
async def test_an_invalid_key_is_refused(client: httpx2.AsyncClient, value: str) -> None:
    answer = await client.post("/campaigns", json=NEW, headers=key(value))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")


def test_a_plain_campaign_has_the_json_that_the_first_version_compares() -> None:
    plain = {"name": "n", "channel": "sms", "base_template": "Hi"}
    written = '{"name":"n","channel":"sms","base_template":"Hi","scheduled_at":null,"audience":null}'
    assert NewCampaign.model_validate(plain).model_dump_json() == written
    for later in (
        {"templates": {"sw": "x"}},
        {"variants": [{"name": "a", "base_template": "x"}]},
        {"content": {"footer": "x"}},
        {"holdout_percent": 1},
    ):
        assert NewCampaign.model_validate({**plain, **later}).model_dump_json() != written
