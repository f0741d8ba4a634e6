"""A campaign can be paused, resumed and cancelled only in certain statuses."""

import httpx2
import pytest

from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers, add_messages, rows

STATUSES = ["draft", "scheduled", "sending", "paused", "sent", "failed", "cancelled"]
ALLOWED = {
    ("sending", "pause"): "paused",
    ("paused", "resume"): "sending",
    ("sending", "cancel"): "cancelled",
    ("paused", "cancel"): "cancelled",
}


@pytest.mark.parametrize("action", ["pause", "resume", "cancel"])
@pytest.mark.parametrize("status", STATUSES)
async def test_an_action_is_allowed_only_in_certain_statuses(
    client: httpx2.AsyncClient, connection: Connection, status: str, action: str
) -> None:
    campaign_id = await add_campaign(connection, status=status)
    answer = await client.post(f"/campaigns/{campaign_id}/{action}")
    [row] = await rows(connection, "SELECT status FROM campaigns")
    if (status, action) in ALLOWED:
        assert answer.status_code == 200
        assert answer.json()["status"] == row["status"] == ALLOWED[status, action]
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_STATUS")
        assert status in answer.json()["error"]["message"]
        assert row["status"] == status


@pytest.mark.parametrize("action", ["pause", "resume", "cancel"])
async def test_an_action_on_an_unknown_campaign_is_not_found(client: httpx2.AsyncClient, action: str) -> None:
    answer = await client.post(f"/campaigns/9/{action}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "CAMPAIGN_NOT_FOUND")


async def test_resume_republishes_every_chunk(client: httpx2.AsyncClient, connection: Connection) -> None:
    campaign_id = await add_campaign(connection, status="paused")
    await add_messages(connection, campaign_id, await add_customers(connection, 3))
    await connection.execute("UPDATE campaign_chunks SET check_at = now() + interval '1 hour'")
    await client.post(f"/campaigns/{campaign_id}/resume")
    [chunk] = await rows(connection, "SELECT check_at FROM campaign_chunks")
    assert chunk["check_at"] is None


async def test_cancelled_messages_are_excluded_from_the_total(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    campaign_id = await add_campaign(connection, status="cancelled")
    await add_messages(connection, campaign_id, await add_customers(connection, 10))
    await connection.execute("UPDATE campaign_counts SET sent = 4, failed = 1, cancelled = 3")
    stats = (await client.get(f"/campaigns/{campaign_id}")).json()["stats"]
    assert stats == {
        "total": 7, "pending": 2, "sent": 4, "failed": 1, "cancelled": 3, "retries": 0, "unknown_outcomes": 0,
    }  # fmt: skip
