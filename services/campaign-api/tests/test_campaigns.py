"""Campaigns are created, read, changed and deleted according to the contract."""

from typing import Any

import httpx2
import pytest

from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers, add_messages

NEW = {"name": "Summer", "channel": "sms", "base_template": "Hi {first_name}"}


async def create(client: httpx2.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post("/campaigns", json={**NEW, **fields})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_new_campaign_is_a_draft(client: httpx2.AsyncClient) -> None:
    campaign = await create(client)
    assert campaign.pop("created_at").endswith("Z")
    assert campaign.pop("updated_at").endswith("Z")
    assert campaign.pop("sms") == {"encoding": "gsm7", "units": 3, "segments": 1}
    assert campaign == {**NEW, "id": 1, "status": "draft", "scheduled_at": None, "warnings": []}


async def test_a_campaign_with_a_future_time_is_scheduled(client: httpx2.AsyncClient) -> None:
    campaign = await create(client, scheduled_at="2099-01-01T02:00:00+02:00")
    assert (campaign["status"], campaign["scheduled_at"]) == ("scheduled", "2099-01-01T00:00:00Z")


async def test_a_campaign_with_a_past_time_is_a_draft(client: httpx2.AsyncClient) -> None:
    assert (await create(client, scheduled_at="2020-01-01T00:00:00Z"))["status"] == "draft"


async def test_an_unknown_placeholder_is_a_warning(client: httpx2.AsyncClient) -> None:
    campaign = await create(client, base_template="Hi {nickname}, {first_name}")
    assert campaign["warnings"] == ["Unknown placeholder {nickname}"]
    assert (await client.get("/campaigns/1")).json()["warnings"] == campaign["warnings"]


async def test_unicode_is_stored_unchanged(client: httpx2.AsyncClient) -> None:
    text = "Habari {first_name} 👋🏾\n\tñ ß ي 中 \u200d \u2028"
    assert (await create(client, name="Größe 中", base_template=text))["base_template"] == text


async def test_a_campaign_shows_stats_that_add_up(client: httpx2.AsyncClient, connection: Connection) -> None:
    campaign_id = await add_campaign(connection)
    await add_messages(connection, campaign_id, await add_customers(connection, 10))
    await connection.execute(
        "INSERT INTO campaign_counts (campaign_id, shard, sent, failed, retries) VALUES (%s, 3, 4, 1, 2)", [campaign_id]
    )
    campaign = (await client.get(f"/campaigns/{campaign_id}")).json()
    assert campaign["stats"] == {
        "total": 10, "pending": 5, "sent": 4, "failed": 1, "cancelled": 0, "retries": 2, "unknown_outcomes": 0,
    }  # fmt: skip


async def test_the_stats_of_a_draft_are_zero(client: httpx2.AsyncClient) -> None:
    await create(client)
    assert set((await client.get("/campaigns/1")).json()["stats"].values()) == {0}


async def test_patch_changes_only_the_fields_in_the_body(client: httpx2.AsyncClient) -> None:
    await create(client)
    changed = (await client.patch("/campaigns/1", json={"name": "Autumn"})).json()
    assert (changed["name"], changed["base_template"], changed["status"]) == ("Autumn", "Hi {first_name}", "draft")


async def test_patch_moves_between_draft_and_scheduled(client: httpx2.AsyncClient) -> None:
    await create(client)
    scheduled = await client.patch(
        "/campaigns/1", json={"scheduled_at": "2099-01-01T00:00:00Z", "audience": {"all": True}}
    )
    assert scheduled.json()["status"] == "scheduled"
    assert scheduled.json()["audience"] == {"all": True}
    assert (await client.patch("/campaigns/1", json={"name": "Still"})).json()["status"] == "scheduled"
    drafted = (await client.patch("/campaigns/1", json={"scheduled_at": None})).json()
    assert (drafted["status"], drafted["scheduled_at"]) == ("draft", None)


@pytest.mark.parametrize("field", ["name", "channel", "base_template"])
async def test_patch_cannot_set_a_required_field_to_null(client: httpx2.AsyncClient, field: str) -> None:
    await create(client)
    answer = await client.patch("/campaigns/1", json={field: None})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"


async def test_a_draft_can_be_deleted(client: httpx2.AsyncClient) -> None:
    await create(client)
    assert (await client.delete("/campaigns/1")).status_code == 204
    assert (await client.get("/campaigns/1")).status_code == 404
    assert (await client.delete("/campaigns/1")).status_code == 404


@pytest.mark.parametrize("status", ["sending", "paused", "sent", "failed", "cancelled"])
async def test_a_campaign_that_was_started_cannot_be_changed_or_deleted(
    client: httpx2.AsyncClient, connection: Connection, status: str
) -> None:
    campaign_id = await add_campaign(connection, status=status)
    for answer in (
        await client.patch(f"/campaigns/{campaign_id}", json={"name": "New"}),
        await client.delete(f"/campaigns/{campaign_id}"),
    ):
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "INVALID_STATUS"
        assert status in answer.json()["error"]["message"]


async def test_a_campaign_shows_why_its_messages_wait(client: httpx2.AsyncClient, connection: Connection) -> None:
    campaign_id = await add_campaign(connection)
    assert "waiting" not in (await client.get(f"/campaigns/{campaign_id}")).json()
    await connection.execute(
        """
        INSERT INTO provider_states (provider, channels, held_since, held_until, reason)
        VALUES ('http a', '{sms}', now() - interval '1 minute', now() + interval '5 seconds', 'http a answered 503')
        """
    )
    waiting = (await client.get(f"/campaigns/{campaign_id}")).json()["waiting"]
    assert waiting["reason"] == "http a answered 503"
    assert waiting["since"] < waiting["until"]
    assert waiting["until"].endswith("Z")
    other = await add_campaign(connection, channel="whatsapp")
    assert "waiting" not in (await client.get(f"/campaigns/{other}")).json()
    await connection.execute("INSERT INTO provider_states (provider, channels) VALUES ('http b', '{sms}')")
    assert "waiting" not in (await client.get(f"/campaigns/{campaign_id}")).json(), (
        "another provider can send the messages"
    )


async def test_a_failed_campaign_shows_the_reason(client: httpx2.AsyncClient, connection: Connection) -> None:
    campaign_id = await add_campaign(connection, status="failed")
    assert "failure_reason" not in (await client.get(f"/campaigns/{campaign_id}")).json()
    await connection.execute("UPDATE campaigns SET failure_reason = 'the audience cannot be read'")
    assert (await client.get(f"/campaigns/{campaign_id}")).json()["failure_reason"] == "the audience cannot be read"
    assert (await client.get("/campaigns")).json()["campaigns"][0]["failure_reason"] == "the audience cannot be read"
