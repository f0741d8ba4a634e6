"""Values that another version stored are shown unchanged, and refused where this version must understand them."""

import json
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers, add_messages, rows

PLANTS = {
    "audience": ["audience", "'{\"cohort\": 7}'"],
    "audience-list": ["audience", "'[1, 2]'"],
    "audience-number": ["audience", "'7'"],
    "audience-huge-number": ["audience", "('{\"all\": 1' || repeat('0', 5000) || '}')::jsonb"],
    "audience-deep": ["audience", "(repeat('[', 500) || repeat(']', 500))::jsonb"],
    "audience-both": ["audience", '\'{"all": true, "filter": {"location": "x"}, "newer": null}\''],
    "template": ["base_template", "'Hi {{first_name}'"],
    "template-closed": ["base_template", "'} {% if x %}'"],
    "status": ["status", "'archived'"],
    "channel": ["channel", "'email'"],
}


@pytest_asyncio.fixture(params=PLANTS)
async def planted(request: pytest.FixtureRequest, connection: Connection) -> tuple[str, int]:
    """A column with a value of another version, and the id of its campaign."""
    column, value = PLANTS[request.param]
    for constraint in ("campaigns_status_check", "campaigns_channel_check"):
        await connection.execute(f"ALTER TABLE campaigns DROP CONSTRAINT {constraint}")
    campaign_id = await add_campaign(connection, status="draft")
    await connection.execute(f"UPDATE campaigns SET {column} = {value}")
    return column, campaign_id


async def test_a_read_shows_the_stored_value_with_a_warning(
    client: httpx2.AsyncClient, connection: Connection, planted: tuple[str, int]
) -> None:
    column, campaign_id = planted
    await add_campaign(connection, status="draft")
    [stored] = await rows(
        connection, f"SELECT to_json({column}::text) AS value FROM campaigns WHERE id = %s", campaign_id
    )
    for url in ("/campaigns", "/campaigns?cursor=", f"/campaigns/{campaign_id}"):
        answer = await client.get(url)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        campaign = next(c for c in body["campaigns"] if c["id"] == campaign_id) if "campaigns" in body else body
        if column == "audience" and len(stored["value"]) < 500:
            assert campaign["audience"] == json.loads(stored["value"])
        else:
            assert campaign[column] == stored["value"]
        assert len(campaign["warnings"]) == 1
        assert column.removeprefix("base_") in campaign["warnings"][0]
    assert (await client.get(f"/campaigns/{campaign_id}/messages")).status_code == 200


async def test_an_action_that_must_understand_the_value_is_refused(
    client: httpx2.AsyncClient, connection: Connection, planted: tuple[str, int]
) -> None:
    column, campaign_id = planted
    customers = await add_customers(connection, 1)
    before = await rows(connection, "SELECT campaigns::text FROM campaigns")
    refused = [
        await client.patch(f"/campaigns/{campaign_id}", json={"name": "New"}),
        await client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": customers}),
        await client.post(f"/campaigns/{campaign_id}/send", json={"audience": {"all": True}}),
    ]
    preview = await client.post(f"/campaigns/{campaign_id}/personalized-preview", json={"customer_id": customers[0]})
    if column == "base_template":
        refused.append(preview)
    else:
        assert preview.status_code == 200
    code = {"base_template": "INVALID_TEMPLATE", "status": "INVALID_STATUS"}.get(column, "INVALID_REQUEST")
    for answer in refused:
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
        assert str(campaign_id) in answer.json()["error"]["message"] or column == "base_template"
    assert await rows(connection, "SELECT campaigns::text FROM campaigns") == before


async def test_a_change_that_replaces_the_value_is_accepted(
    client: httpx2.AsyncClient, planted: tuple[str, int]
) -> None:
    column, campaign_id = planted
    known: dict[str, Any] = {"audience": {"all": True}, "base_template": "Hi", "channel": "whatsapp"}
    if column in known:
        changed = await client.patch(f"/campaigns/{campaign_id}", json={column: known[column]})
        assert changed.status_code == 200, changed.text
        assert (changed.json()[column], changed.json()["warnings"]) == (known[column], [])


@pytest.mark.parametrize("moment", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC"])
async def test_a_time_outside_the_calendar_can_be_read(
    client: httpx2.AsyncClient, connection: Connection, moment: str
) -> None:
    await add_campaign(connection, status="scheduled")
    await connection.execute("UPDATE campaigns SET scheduled_at = %s", [moment])
    for url in ("/campaigns", "/campaigns/1"):
        assert (await client.get(url)).status_code == 200


async def test_an_unknown_status_of_a_message_is_shown_with_a_warning(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    campaign_id = await add_campaign(connection)
    await add_messages(connection, campaign_id, await add_customers(connection, 2))
    await connection.execute("ALTER TABLE outbound_messages DROP CONSTRAINT outbound_messages_status_check")
    assert "warnings" not in (await client.get(f"/campaigns/{campaign_id}/messages")).json()
    await connection.execute("UPDATE outbound_messages SET status = 'delivered' WHERE customer_id = 2")
    answer = await client.get(f"/campaigns/{campaign_id}/messages")
    assert answer.status_code == 200
    assert [message["status"] for message in answer.json()["messages"]] == ["pending", "delivered"]
    assert answer.json()["warnings"] == ["This version does not know the status delivered"]
