"""Unsent messages of a cancelled campaign are cancelled. Possibly sent messages get an unknown outcome."""

from dispatcher.cancellation import cancel_chunk, cancel_unplanned
from dispatcher.planning import plan_next_chunk
from dispatcher.pruning import forget_idempotency_keys
from leopard.audiences.model import Audience
from leopard.audiences.snapshot import begin_audience_send
from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers, add_messages, counts, rows

HELD = "claimed_until = now() + interval '1 minute'"
LOST = "claimed_until = now() - interval '1 second'"
WAITING = "status = 'failed', next_attempt_at = now() + interval '1 hour', last_error = 'busy'"


async def check_again(connection: Connection) -> bool:
    await connection.execute("UPDATE campaign_chunks SET check_at = now()")
    return await cancel_chunk(connection)


async def cancelled(connection: Connection, *changes: str) -> int:
    campaign_id = await add_campaign(connection, status="cancelled")
    ids = await add_messages(connection, campaign_id, await add_customers(connection, len(changes)))
    for message_id, change in zip(ids, changes, strict=True):
        await connection.execute(f"UPDATE outbound_messages SET {change} WHERE id = %s", [message_id])
    return campaign_id


async def statuses(connection: Connection) -> list[str]:
    return [row["status"] for row in await rows(connection, "SELECT status FROM outbound_messages ORDER BY id")]


async def test_unsent_messages_are_cancelled(connection: Connection) -> None:
    campaign_id = await cancelled(connection, "status = 'sent'", "status = 'failed'", "status = status", WAITING, LOST)
    assert await check_again(connection)
    assert await statuses(connection) == ["sent", "failed", "cancelled", "cancelled", "failed"]
    [lost] = await rows(connection, "SELECT last_error FROM outbound_messages ORDER BY id DESC LIMIT 1")
    assert lost["last_error"] == "outcome unknown"
    assert await counts(connection, campaign_id) == {"total": 5, "failed": 1, "cancelled": 2, "unknown_outcomes": 1}
    assert not await cancel_chunk(connection), "it is checked again a second later"
    assert await check_again(connection)
    assert await rows(connection, "SELECT * FROM campaign_chunks") == []


async def test_messages_that_a_worker_holds_are_not_cancelled(connection: Connection) -> None:
    await cancelled(connection, HELD, "status = status")
    await check_again(connection)
    assert await statuses(connection) == ["pending", "cancelled"]
    await check_again(connection)
    assert len(await rows(connection, "SELECT * FROM campaign_chunks")) == 1
    await connection.execute(
        "UPDATE outbound_messages SET status = 'sent', claimed_until = NULL WHERE status = 'pending'"
    )
    await check_again(connection)
    assert await rows(connection, "SELECT * FROM campaign_chunks") == []


async def test_recipients_without_a_row_count_as_cancelled(connection: Connection) -> None:
    await add_customers(connection, 10)
    campaign_id = await add_campaign(connection)
    await begin_audience_send(connection, campaign_id, Audience(all=True), chunk_size=2)
    await plan_next_chunk(connection, 4)
    await connection.execute("UPDATE campaigns SET status = 'cancelled'")
    await cancel_unplanned(connection)
    await cancel_unplanned(connection)
    await check_again(connection)
    assert await counts(connection, campaign_id) == {"total": 10, "cancelled": 10}
    [campaign] = await rows(connection, "SELECT audience_unplanned FROM campaigns")
    assert campaign["audience_unplanned"] == 0


async def test_other_campaigns_are_not_changed(connection: Connection) -> None:
    campaign_id = await add_campaign(connection)
    await add_messages(connection, campaign_id, await add_customers(connection, 3))
    assert not await check_again(connection)
    assert await statuses(connection) == ["pending"] * 3


async def test_idempotency_keys_are_deleted_after_a_day(connection: Connection) -> None:
    await connection.execute(
        """INSERT INTO idempotency_keys (key, endpoint, request_hash, created_at)
           VALUES ('old', 'x', '', now() - interval '25 hours'), ('new', 'x', '', now() - interval '23 hours')"""
    )
    await forget_idempotency_keys(connection)
    assert [row["key"] for row in await rows(connection, "SELECT key FROM idempotency_keys")] == ["new"]
