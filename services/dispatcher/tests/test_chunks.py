"""A chunk is claimed once, campaigns take turns, and lost jobs are found."""

import asyncio
from datetime import UTC, datetime, timedelta

from dispatcher.chunk_jobs import pending_jobs
from dispatcher.sweep import sweep_chunks
from leopard.broker.queues import SENDS
from leopard.db.chunks import claim_chunk, mark_published, release_chunk
from leopard.db.pool import Connection, Pool
from leopard.db.queue_progress import report_delivered, report_held
from leopard.domain.statuses import Channel
from support.factories import add_campaign, add_customers, add_messages, rows

LEASE = 60


async def campaign_with_chunk(connection: Connection, *, first_number: int = 0, messages: int = 3) -> int:
    campaign_id = await add_campaign(connection)
    customers = await add_customers(connection, messages, first_number=first_number)
    await add_messages(connection, campaign_id, customers)
    return campaign_id


async def test_a_claimed_chunk_gives_a_job_for_each_pending_message(connection: Connection) -> None:
    campaign_id = await campaign_with_chunk(connection)
    chunk = await claim_chunk(connection, LEASE)
    assert chunk is not None
    jobs = await pending_jobs(connection, chunk)
    messages = await rows(connection, "SELECT id, customer_id FROM outbound_messages ORDER BY id")
    assert [(job.message_id, job.campaign_id, job.customer_id) for job in jobs] == [
        (message["id"], campaign_id, message["customer_id"]) for message in messages
    ]


async def test_only_one_of_many_concurrent_claims_succeeds(connection: Connection, pool: Pool) -> None:
    await campaign_with_chunk(connection)

    async def claim() -> bool:
        async with pool.connection() as own:
            return await claim_chunk(own, LEASE) is not None

    assert sorted(await asyncio.gather(*(claim() for _ in range(8)))) == [False] * 7 + [True]


async def test_after_its_claim_ended_a_dispatcher_cannot_change_the_chunk(connection: Connection) -> None:
    await campaign_with_chunk(connection)
    first = await claim_chunk(connection, 0.001)
    await asyncio.sleep(0.01)
    second = await claim_chunk(connection, LEASE)
    assert first is not None
    assert second is not None
    assert second.id == first.id
    await mark_published(connection, first, LEASE)
    await release_chunk(connection, first)
    [row] = await rows(connection, "SELECT check_at, claimed_until FROM campaign_chunks")
    assert (row["check_at"], row["claimed_until"]) == (None, second.claimed_until)
    await mark_published(connection, second, LEASE)
    assert await claim_chunk(connection, LEASE) is None


async def test_a_released_chunk_can_be_claimed_at_once(connection: Connection) -> None:
    await campaign_with_chunk(connection)
    chunk = await claim_chunk(connection, LEASE)
    assert chunk is not None
    await release_chunk(connection, chunk)
    assert await claim_chunk(connection, LEASE) is not None


async def test_the_campaign_served_longest_ago_is_next(connection: Connection) -> None:
    large = await campaign_with_chunk(connection, messages=2)
    for first_number in (2, 4, 6):
        await add_messages(connection, large, await add_customers(connection, 2, first_number=first_number))
    small = await campaign_with_chunk(connection, first_number=8)
    served = []
    while (chunk := await claim_chunk(connection, LEASE)) is not None:
        served.append(chunk.campaign_id)
    assert served == [large, small, large, large, large]


async def test_no_chunk_is_claimed_of_a_campaign_that_is_not_sending(connection: Connection) -> None:
    await campaign_with_chunk(connection)
    await connection.execute("UPDATE campaigns SET status = 'paused'")
    assert await claim_chunk(connection, LEASE) is None


QUEUES = {Channel.SMS: SENDS.name}


async def published(connection: Connection, *, messages: int = 3) -> None:
    await campaign_with_chunk(connection, messages=messages)
    chunk = await claim_chunk(connection, LEASE)
    assert chunk is not None
    await mark_published(connection, chunk, LEASE)


async def sweep(connection: Connection) -> int:
    """Look for lost jobs in a queue that has been delivered completely."""
    await connection.execute("UPDATE outbound_messages SET updated_at = now() - interval '1 hour'")
    await report_delivered(connection, SENDS.name, datetime.now(UTC))
    await connection.execute("UPDATE campaign_chunks SET published_at = published_at - interval '1 hour'")
    return await sweep_chunks(connection, again_seconds=5, lease_seconds=LEASE, queues=QUEUES, personalized_queues={})


async def test_a_published_chunk_is_not_checked_before_its_lease_ends(connection: Connection) -> None:
    await published(connection)
    assert await sweep(connection) == 0
    assert await claim_chunk(connection, LEASE) is None


async def test_jobs_that_no_worker_took_are_published_again(connection: Connection) -> None:
    await published(connection)
    await connection.execute("UPDATE campaign_chunks SET check_at = now()")
    await connection.execute("UPDATE outbound_messages SET status = 'sent' WHERE id = 1")
    assert await sweep(connection) == 2
    chunk = await claim_chunk(connection, LEASE)
    assert chunk is not None
    assert [job.message_id for job in await pending_jobs(connection, chunk)] == [2, 3]


async def test_messages_in_progress_are_checked_again_later(connection: Connection) -> None:
    await published(connection)
    await connection.execute("UPDATE campaign_chunks SET check_at = now()")
    await connection.execute("UPDATE outbound_messages SET claimed_until = now() + interval '1 minute' WHERE id = 1")
    await connection.execute(
        "UPDATE outbound_messages SET status = 'failed', next_attempt_at = now() + interval '1 hour' WHERE id = 2"
    )
    await connection.execute("UPDATE outbound_messages SET status = 'sent' WHERE id = 3")
    assert await sweep(connection) == 0
    assert await claim_chunk(connection, LEASE) is None
    [row] = await rows(connection, "SELECT check_at - now() < interval '6 seconds' AS soon FROM campaign_chunks")
    assert row["soon"]


async def test_a_claim_that_ended_without_a_result_is_found(connection: Connection) -> None:
    await published(connection, messages=1)
    await connection.execute("UPDATE campaign_chunks SET check_at = now()")
    await connection.execute("UPDATE outbound_messages SET claimed_until = now() - interval '1 second'")
    assert await sweep(connection) == 1


async def test_a_finished_chunk_is_deleted(connection: Connection) -> None:
    await published(connection)
    await connection.execute("UPDATE campaign_chunks SET check_at = now()")
    await connection.execute("UPDATE outbound_messages SET status = 'failed'")
    assert await sweep(connection) == 0
    assert await rows(connection, "SELECT * FROM campaign_chunks") == []


async def test_jobs_that_still_wait_in_the_queue_are_not_lost(connection: Connection) -> None:
    await published(connection)
    await connection.execute("UPDATE outbound_messages SET updated_at = now() - interval '1 hour'")
    await connection.execute("UPDATE campaign_chunks SET check_at = now(), published_at = now() - interval '1 minute'")

    async def found_lost() -> int:
        await connection.execute("UPDATE campaign_chunks SET check_at = now()")
        return await sweep_chunks(
            connection, again_seconds=5, lease_seconds=LEASE, queues=QUEUES, personalized_queues={}
        )

    assert await found_lost() == 0, "the progress of the queue is unknown"
    await report_delivered(connection, SENDS.name, datetime.now(UTC) - timedelta(minutes=5))
    assert await found_lost() == 0, "the queue has not been delivered up to these jobs"
    await report_delivered(connection, SENDS.name, datetime.now(UTC))
    assert await found_lost() == 3
    assert await claim_chunk(connection, LEASE) is not None


async def test_jobs_that_a_worker_still_holds_are_not_lost(connection: Connection) -> None:
    await published(connection)
    await connection.execute("UPDATE campaign_chunks SET check_at = now()")
    [message] = await rows(connection, "SELECT campaign_id, customer_id FROM outbound_messages WHERE id = 2")
    await report_held(connection, [(message["campaign_id"], message["customer_id"])], LEASE)
    assert await sweep(connection) == 0
    assert await rows(connection, "SELECT id FROM campaign_chunks WHERE check_at > now()")


async def test_a_locked_campaign_delays_no_other(connection: Connection, pool: Pool) -> None:
    locked = await campaign_with_chunk(connection, messages=2)
    for first_number in (2, 4):
        await add_messages(connection, locked, await add_customers(connection, 2, first_number=first_number))
    free = await campaign_with_chunk(connection, first_number=6)
    await add_messages(connection, free, await add_customers(connection, 2, first_number=20))
    async with pool.connection() as other, other.transaction():
        await other.execute("SELECT FROM campaigns WHERE id = %s FOR UPDATE", [locked])
        served = []
        async with asyncio.timeout(4):
            while (chunk := await claim_chunk(connection, LEASE)) is not None:
                served.append(chunk.campaign_id)
    assert served == [free, free, locked, locked, locked]
