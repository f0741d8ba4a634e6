"""Statements that lock several rows never cause a deadlock, whichever of them run concurrently."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable

from campaign_api.customers.attributes import AttributeLimits
from campaign_api.customers.queries import change_customer, delete_customer
from campaign_api.customers.schemas import CustomerChange
from campaign_api.sending.controls import cancel_campaign, pause_campaign, resume_campaign
from campaign_api.sending.send import SendRequest, send_campaign
from campaign_api.web.errors import ApiError
from dispatcher.cancellation import cancel_chunk, cancel_unplanned
from dispatcher.chunk_jobs import pending_jobs
from dispatcher.completion import finish_campaigns
from dispatcher.planning import plan_next_chunk
from dispatcher.postponed_recipients import plan_postponed
from dispatcher.pruning import forget_idempotency_keys
from dispatcher.retries import release_due
from dispatcher.sweep import sweep_chunks
from leopard.audiences.model import Audience
from leopard.audiences.snapshot import begin_audience_send
from leopard.broker.queues import SENDS
from leopard.db.chunks import claim_chunk, mark_published
from leopard.db.pool import Connection, Pool, create_pool
from leopard.domain.statuses import Channel, MessageStatus
from sender_worker.claims import claim_messages
from sender_worker.parking import park_messages
from sender_worker.results import Result, record_results
from support.factories import add_campaign, add_customers, rows

CUSTOMERS = 200
SECONDS = 6.0


async def new_campaign(connection: Connection) -> None:
    """Add a campaign to all customers, ready to be planned: as a send does, or as earlier versions did."""
    async with connection.transaction():
        campaign_id = await add_campaign(connection)
        if random.random() < 0.7:
            audience = Audience(all=True, limit=CUSTOMERS)
            await begin_audience_send(connection, campaign_id, audience, chunk_size=random.choice([30, 50, 70]))
            return
    await connection.execute(
        """
        UPDATE campaigns
           SET audience = '{"all": true}', audience_last_id = (SELECT max(id) FROM customers), audience_unplanned = %s
         WHERE id = %s
        """,
        [CUSTOMERS, campaign_id],
    )


async def control(connection: Connection) -> None:
    """Pause, resume or cancel a random campaign, as a client might."""
    [row] = await rows(connection, "SELECT id FROM campaigns ORDER BY random() LIMIT 1")
    action = random.choice([pause_campaign, resume_campaign, cancel_campaign, resume_campaign])
    try:
        await action(connection, row["id"])
    except ApiError:
        await new_campaign(connection)


async def publish(connection: Connection) -> None:
    """Do the work of the publish loop, without a broker."""
    await plan_next_chunk(connection, 50)
    chunk = await claim_chunk(connection, 0.05)
    if chunk is not None:
        await pending_jobs(connection, chunk)
        await mark_published(connection, chunk, 0.05)


async def work(connection: Connection) -> None:
    """Do the work of a worker, for messages of many campaigns, sometimes after the lease."""
    found = await rows(
        connection, "SELECT id FROM outbound_messages WHERE status = 'pending' ORDER BY random() LIMIT 60"
    )
    claims = await claim_messages(connection, [row["id"] for row in found], 0.02, random.randrange(1, 3))
    results = [
        Result(claim, random.choice([MessageStatus.SENT, MessageStatus.FAILED]), "Hi") for claim in claims if claim
    ]
    random.shuffle(results)
    await park_messages(connection, [row["id"] for row in found[::7]], 0.01)
    await release_due(connection, 50)
    await record_results(connection, results, random.randrange(1, 3))


async def maintain(connection: Connection) -> None:
    """Do the work of maintenance."""
    queues = {Channel.SMS: SENDS.name}
    await sweep_chunks(connection, again_seconds=0.01, lease_seconds=0.01, queues=queues, personalized_queues={})
    await plan_postponed(connection, 50)
    await cancel_unplanned(connection)
    await cancel_chunk(connection)
    await finish_campaigns(connection)
    await forget_idempotency_keys(connection)


async def replace_customer(connection: Connection) -> None:
    """Delete a customer and create another, so that their number stays the same."""
    [row] = await rows(connection, "SELECT id FROM customers ORDER BY random() LIMIT 1")
    try:
        async with connection.transaction():
            await delete_customer(connection, row["id"])
    except ApiError:
        return
    number = random.randrange(10**7)
    await connection.execute(
        "INSERT INTO customers (phone) VALUES (%s) ON CONFLICT DO NOTHING", [f"+25471{number:07d}"]
    )


async def send_to_ids(connection: Connection) -> None:
    """Send a campaign to customer ids in random order."""
    campaign_id = await add_campaign(connection, status="draft")
    found = await rows(connection, "SELECT id FROM customers ORDER BY random() LIMIT 50")
    request = SendRequest(customer_ids=[row["id"] for row in found])
    async with connection.transaction():
        await send_campaign(connection, campaign_id, request, chunk_size=10)


async def test_concurrent_work_of_all_services_causes_no_deadlock(database_url: str, connection: Connection) -> None:
    await add_customers(connection, CUSTOMERS)
    for _ in range(4):
        await new_campaign(connection)
    jobs = [control, control, control, publish, publish, publish, work, work, maintain, maintain]
    jobs += [replace_customer, replace_customer, send_to_ids]
    until = time.monotonic() + SECONDS

    async def repeat(pool: Pool, job: Callable[[Connection], Awaitable[None]]) -> int:
        times = 0
        while time.monotonic() < until:
            async with pool.connection() as own:
                await job(own)
            times += 1
        return times

    async with create_pool(database_url, size=len(jobs), application="tests") as pool:
        done = await asyncio.gather(*(repeat(pool, job) for job in jobs))
    assert min(done) > 5, "every job must run several times"
    [found] = await rows(connection, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert found["deadlocks"] == 0
    wrong = await rows(
        connection,
        """
        SELECT campaigns.id, counts.total, messages.total AS rows
          FROM campaigns
          JOIN (SELECT campaign_id, sum(total) - sum(cancelled) AS total, sum(sent) AS sent FROM campaign_counts
                 GROUP BY campaign_id) AS counts ON counts.campaign_id = campaigns.id
          JOIN (SELECT campaign_id, count(*) FILTER (WHERE status <> 'cancelled') AS total,
                       count(*) FILTER (WHERE status = 'sent') AS sent
                  FROM outbound_messages GROUP BY campaign_id) AS messages ON messages.campaign_id = campaigns.id
         WHERE counts.total <> messages.total OR counts.sent <> messages.sent
        """,
    )
    assert wrong == []


async def test_customers_who_exchange_phone_numbers_cause_no_deadlock(pool: Pool, connection: Connection) -> None:
    limits = AttributeLimits(count=1, name_length=1, size=1000, known=1)
    await add_customers(connection, 2)
    first, second = await rows(connection, "SELECT id, phone FROM customers ORDER BY id")

    async def take(customer_id: int, phone: str) -> None:
        async with pool.connection() as own, own.transaction():
            with contextlib.suppress(ApiError):
                await change_customer(own, customer_id, CustomerChange(phone=phone), limits)

    for _ in range(30):
        await asyncio.gather(take(first["id"], second["phone"]), take(second["id"], first["phone"]))
