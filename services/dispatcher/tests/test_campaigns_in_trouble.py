"""A campaign with an error fails with a reason or waits, and delays no other campaign."""

import psycopg
import pytest

from dispatcher.completion import finish_campaigns
from dispatcher.planning import plan_next_chunk
from dispatcher.postponed_recipients import PLAN_POSTPONED, plan_postponed
from dispatcher.schedules import start_due_campaign
from leopard.db.chunks import claim_chunk
from leopard.db.pool import Connection, Pool
from support.factories import add_campaign, add_customers, failures_of, refuse_rows, rows


async def to_an_audience(connection: Connection, audience: str, *, status: str = "sending") -> int:
    campaign_id = await add_campaign(connection, status=status)
    await connection.execute(
        """
        UPDATE campaigns
           SET audience = %s::jsonb, scheduled_at = now() - interval '1 minute',
               audience_last_id = (SELECT max(id) FROM customers), audience_unplanned = (SELECT count(*) FROM customers)
         WHERE id = %s
        """,
        [audience, campaign_id],
    )
    return campaign_id


async def state(connection: Connection, campaign_id: int) -> tuple[str, str | None]:
    [row] = await rows(connection, "SELECT status, failure_reason FROM campaigns WHERE id = %s", campaign_id)
    return row["status"], row["failure_reason"]


async def test_an_unreadable_scheduled_audience_fails_only_its_campaign(connection: Connection) -> None:
    await add_customers(connection, 3)
    broken = await to_an_audience(connection, '{"cohort": 7}', status="scheduled")
    good = await to_an_audience(connection, '{"all": true}', status="scheduled")
    while await start_due_campaign(connection, 1000) is not None:
        pass
    status, reason = await state(connection, broken)
    assert status == "failed"
    assert (reason or "").startswith("the audience cannot be read")
    assert await state(connection, good) == ("sending", None)


async def test_an_audience_that_cannot_be_planned_fails_only_its_campaign(connection: Connection) -> None:
    await add_customers(connection, 3)
    broken = await to_an_audience(connection, '["x"]')
    good = await to_an_audience(connection, '{"all": true}')
    while await plan_next_chunk(connection, 10):
        pass
    await finish_campaigns(connection)
    status, reason = await state(connection, broken)
    assert status == "failed"
    assert (reason or "").startswith("the audience cannot be read")
    [count] = await rows(connection, "SELECT total, failed FROM campaign_counts WHERE campaign_id = %s", broken)
    assert count == {"total": 3, "failed": 3}
    messages = await rows(connection, "SELECT campaign_id FROM outbound_messages")
    assert [row["campaign_id"] for row in messages] == [good] * 3


async def test_a_campaign_with_a_newer_format_waits_for_a_newer_version(connection: Connection) -> None:
    await add_customers(connection, 3)
    newer = await to_an_audience(connection, '{"cohort": 7}', status="scheduled")
    await connection.execute("UPDATE campaigns SET format = 99")
    assert await start_due_campaign(connection, 1000) is None
    assert await state(connection, newer) == ("scheduled", None)
    async with connection.transaction():
        await connection.execute("SET LOCAL leopard.known_format = '99'")
        await connection.execute("UPDATE campaigns SET status = 'sending'")
    assert not await plan_next_chunk(connection, 10)
    assert await state(connection, newer) == ("sending", None)


async def test_the_database_refuses_to_start_a_campaign_for_a_process_that_does_not_know_its_format(
    connection: Connection,
) -> None:
    newer = await to_an_audience(connection, '{"all": true}', status="scheduled")
    await connection.execute("UPDATE campaigns SET format = 99")
    with pytest.raises(psycopg.errors.LockNotAvailable, match="format 99"):
        await connection.execute("UPDATE campaigns SET status = 'sending'")
    assert await state(connection, newer) == ("scheduled", None)


async def test_a_recipient_with_a_locked_customer_delays_no_other_recipient(connection: Connection, pool: Pool) -> None:
    customers = await add_customers(connection, 10)
    campaign_id = await to_an_audience(connection, '{"all": true}')
    async with pool.connection() as other, other.transaction():
        await other.execute("SELECT FROM customers WHERE id = %s FOR UPDATE", [customers[4]])
        while await plan_next_chunk(connection, 100):
            pass
        planned = await rows(connection, "SELECT customer_id FROM outbound_messages ORDER BY customer_id")
        assert [row["customer_id"] for row in planned] == [*customers[:4], *customers[5:]]
        assert await plan_postponed(connection, 100) == 0
        await connection.execute("UPDATE outbound_messages SET status = 'sent'")
        await connection.execute("UPDATE campaign_counts SET sent = total")
        assert await finish_campaigns(connection) == [], "one recipient is still postponed"
    assert await plan_postponed(connection, 100) == 1
    [row] = await rows(connection, "SELECT audience_unplanned FROM campaigns WHERE id = %s", campaign_id)
    assert row["audience_unplanned"] == 0
    chunks = await rows(connection, "SELECT first_customer_id FROM campaign_chunks ORDER BY id")
    assert chunks[-1]["first_customer_id"] == customers[4]
    assert await claim_chunk(connection, 60) is not None


async def test_a_deleted_postponed_recipient_is_subtracted_from_the_total(connection: Connection, pool: Pool) -> None:
    customers = await add_customers(connection, 3)
    campaign_id = await to_an_audience(connection, '{"all": true}')
    async with pool.connection() as other, other.transaction():
        await other.execute("DELETE FROM customers WHERE id = %s", [customers[1]])
        while await plan_next_chunk(connection, 100):
            pass
    assert await plan_postponed(connection, 100) == 0
    [row] = await rows(connection, "SELECT audience_unplanned FROM campaigns WHERE id = %s", campaign_id)
    assert row["audience_unplanned"] == 0
    assert await rows(connection, "SELECT FROM postponed_recipients") == []


@pytest.mark.expects_tracebacks
async def test_postponed_recipients_that_cannot_be_planned_delay_no_other_campaign(
    connection: Connection,
) -> None:
    customers = await add_customers(connection, 2)
    broken, good = [await to_an_audience(connection, '{"all": true}') for _ in range(2)]
    await connection.execute(
        "INSERT INTO postponed_recipients SELECT id, %s FROM campaigns WHERE id = ANY(%s)",
        [customers[0], [broken, good]],
    )
    await refuse_rows(connection, "outbound_messages", f"NEW.campaign_id = {broken}")
    before = failures_of(PLAN_POSTPONED)
    assert await plan_postponed(connection, 100) == 1
    assert failures_of(PLAN_POSTPONED) == before + 1
    assert await rows(connection, "SELECT campaign_id FROM postponed_recipients") == [{"campaign_id": broken}]
