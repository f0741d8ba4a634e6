"""A campaign is finished only when all its messages are finished."""

import asyncio

import pytest

from dispatcher.completion import FINISH, finish_campaigns
from leopard.audiences.model import Audience
from leopard.audiences.snapshot import begin_audience_send
from leopard.db.counts import sums_of_variants
from leopard.db.pool import Connection, Pool
from support.factories import add_campaign, add_customers, add_messages, counts, failures_of, refuse_rows, rows


async def campaign_with(connection: Connection, *, sent: int = 0, failed: int = 0, pending: int = 0) -> int:
    campaign_id = await add_campaign(connection)
    total = sent + failed + pending
    await add_messages(connection, campaign_id, await add_customers(connection, total))
    await connection.execute("UPDATE outbound_messages SET status = 'sent' WHERE id <= %s", [sent])
    await connection.execute(
        "UPDATE outbound_messages SET status = 'failed' WHERE id > %s AND id <= %s", [sent, sent + failed]
    )
    await connection.execute(
        "INSERT INTO campaign_counts (campaign_id, shard, sent, failed) VALUES (%s, 1, %s, %s)",
        [campaign_id, sent, failed],
    )
    return campaign_id


async def status_of(connection: Connection, campaign_id: int) -> str:
    [row] = await rows(connection, "SELECT status FROM campaigns WHERE id = %s", campaign_id)
    return str(row["status"])


@pytest.mark.parametrize(
    ("sent", "failed", "pending", "status"),
    [(3, 0, 0, "sent"), (1, 2, 0, "sent"), (0, 3, 0, "failed"), (2, 0, 1, "sending"), (0, 2, 1, "sending")],
)
async def test_the_status_of_a_finished_campaign_follows_from_its_messages(
    connection: Connection, sent: int, failed: int, pending: int, status: str
) -> None:
    campaign_id = await campaign_with(connection, sent=sent, failed=failed, pending=pending)
    finished = await finish_campaigns(connection)
    assert finished == ([] if status == "sending" else [campaign_id])
    assert await status_of(connection, campaign_id) == status
    assert bool(await rows(connection, "SELECT * FROM campaign_chunks")) == (status == "sending")


async def test_a_campaign_is_not_finished_before_its_audience_is_planned(connection: Connection) -> None:
    campaign_id = await add_campaign(connection)
    await add_customers(connection, 5)
    await begin_audience_send(connection, campaign_id, Audience(all=True), chunk_size=2)
    assert await finish_campaigns(connection) == []


async def test_a_campaign_with_an_empty_audience_fails(connection: Connection) -> None:
    campaign_id = await add_campaign(connection)
    await begin_audience_send(connection, campaign_id, Audience(all=True), chunk_size=2)
    assert await finish_campaigns(connection) == [campaign_id]
    assert await status_of(connection, campaign_id) == "failed"


async def test_a_campaign_whose_customers_are_all_deleted_fails(connection: Connection) -> None:
    campaign_id = await campaign_with(connection, pending=3)
    await connection.execute("DELETE FROM customers")
    assert await finish_campaigns(connection) == [campaign_id]
    assert await status_of(connection, campaign_id) == "failed"


async def test_a_paused_campaign_is_not_finished(connection: Connection) -> None:
    await campaign_with(connection, sent=3)
    await connection.execute("UPDATE campaigns SET status = 'paused'")
    assert await finish_campaigns(connection) == []


async def test_wrong_counts_are_computed_again_once_no_chunk_is_left(connection: Connection) -> None:
    campaign_id = await campaign_with(connection, sent=2, failed=1)
    await connection.execute("UPDATE campaign_counts SET sent = 1 WHERE shard = 1")
    assert await finish_campaigns(connection) == []
    await connection.execute("DELETE FROM campaign_chunks")
    assert await finish_campaigns(connection) == []
    assert await finish_campaigns(connection) == [campaign_id]
    assert await counts(connection, campaign_id) == {"total": 3, "sent": 2, "failed": 1}


async def test_a_locked_campaign_delays_no_other(connection: Connection, pool: Pool) -> None:
    locked, free = await add_campaign(connection), await add_campaign(connection)
    for campaign_id in (locked, free):
        await begin_audience_send(connection, campaign_id, Audience(all=True), chunk_size=2)
    async with pool.connection() as other, other.transaction():
        await other.execute("SELECT FROM campaigns WHERE id = %s FOR UPDATE", [locked])
        async with asyncio.timeout(4):
            assert await finish_campaigns(connection) == [free]
    assert await finish_campaigns(connection) == [locked]


@pytest.mark.expects_tracebacks
async def test_a_campaign_that_cannot_be_finished_delays_no_other(connection: Connection) -> None:
    broken, good = await add_campaign(connection), await add_campaign(connection)
    for campaign_id in (broken, good):
        await begin_audience_send(connection, campaign_id, Audience(all=True), chunk_size=2)
    await refuse_rows(connection, "campaigns", f"OLD.id = {broken}")
    before = failures_of(FINISH)
    assert await finish_campaigns(connection) == [good]
    assert failures_of(FINISH) == before + 1
    assert await status_of(connection, broken) == "sending"


async def test_a_recount_keeps_retries_and_unknown_outcomes(connection: Connection) -> None:
    campaign_id = await campaign_with(connection, sent=2, failed=1)
    await connection.execute("UPDATE campaign_counts SET sent = 1, retries = 4, unknown_outcomes = 2 WHERE shard = 1")
    await connection.execute("DELETE FROM campaign_chunks")
    await finish_campaigns(connection)
    known = {"total": 3, "sent": 2, "failed": 1, "retries": 4, "unknown_outcomes": 2}
    assert await counts(connection, campaign_id) == known


async def test_a_recount_keeps_recipients_without_a_row_of_a_failed_campaign(connection: Connection) -> None:
    campaign_id = await campaign_with(connection, sent=2, failed=1)
    await connection.execute("UPDATE campaigns SET failure_reason = 'the audience cannot be read'")
    await connection.execute("UPDATE campaign_counts SET total = total + 5, failed = failed + 4 WHERE shard = 0")
    await connection.execute("DELETE FROM campaign_chunks")
    assert await finish_campaigns(connection) == []
    assert await finish_campaigns(connection) == [campaign_id]
    assert await counts(connection, campaign_id) == {"total": 8, "sent": 2, "failed": 6}


async def test_a_recount_corrects_each_variant(connection: Connection) -> None:
    campaign_id = await campaign_with(connection, sent=3, failed=1)
    await connection.execute("UPDATE campaigns SET variant_bounds = '{0,0.5}'")
    await connection.execute("UPDATE outbound_messages SET variant = CASE WHEN id % 2 = 0 THEN 1 ELSE 2 END")
    await connection.execute("DELETE FROM campaign_counts")
    await connection.execute(
        "INSERT INTO campaign_counts (campaign_id, shard, total, sent) VALUES (%s, 8, 2, 5), (%s, 19, 1, 0)",
        [campaign_id, campaign_id],
    )
    await connection.execute("DELETE FROM campaign_chunks")
    await finish_campaigns(connection)
    counted = await rows(connection, sums_of_variants("%s"), campaign_id)
    found = await rows(
        connection,
        """
        SELECT variant, count(*) AS total, count(*) FILTER (WHERE status = 'sent') AS sent,
               count(*) FILTER (WHERE status = 'failed') AS failed
          FROM outbound_messages
         GROUP BY 1
         ORDER BY 1
        """,
    )
    by_variant = [{name: row[name] for name in ("variant", "total", "sent", "failed")} for row in counted]
    assert [row for row in by_variant if row["variant"]] == found
    assert await finish_campaigns(connection) == [campaign_id]
