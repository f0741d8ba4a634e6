"""An audience gets its rows chunk by chunk, each customer once."""

import asyncio

import pytest

from dispatcher.planning import plan_next_chunk
from leopard.audiences.model import Audience, AudienceFilter
from leopard.audiences.snapshot import begin_audience_send
from leopard.db.chunks import claim_chunk
from leopard.db.pool import Connection, Pool
from support.factories import add_campaign, add_customers, counts, rows

EVERYBODY = Audience(all=True)


async def plan_all(connection: Connection, chunk_size: int) -> int:
    """Plan to the end; a chunk is claimed as soon as it is planned, as the dispatcher does."""
    planned = 0
    while await plan_next_chunk(connection, chunk_size):
        await claim_chunk(connection, 60)
        planned += 1
    return planned


@pytest.mark.parametrize(("customers", "chunk_size", "chunks"), [(25, 10, 3), (20, 10, 2), (5, 10, 1), (1, 1, 1)])
async def test_every_customer_gets_one_message(
    connection: Connection, customers: int, chunk_size: int, chunks: int
) -> None:
    ids = await add_customers(connection, customers)
    campaign_id = await add_campaign(connection)
    assert await begin_audience_send(connection, campaign_id, EVERYBODY) == customers
    await plan_all(connection, chunk_size)
    messages = await rows(connection, "SELECT customer_id FROM outbound_messages ORDER BY customer_id")
    assert [message["customer_id"] for message in messages] == ids
    assert len(await rows(connection, "SELECT * FROM campaign_chunks")) == chunks
    assert (await counts(connection, campaign_id))["total"] == customers
    [campaign] = await rows(connection, "SELECT * FROM campaigns")
    assert campaign["audience_unplanned"] == 0
    assert campaign["audience_planned_to"] == campaign["audience_last_id"] == ids[-1]


async def test_only_those_who_match(connection: Connection) -> None:
    await add_customers(connection, 10, location="Nairobi")
    wanted = await add_customers(connection, 10, location="Kisumu", first_number=10)
    await add_customers(connection, 10, location=None, first_number=20)
    campaign_id = await add_campaign(connection)
    await begin_audience_send(connection, campaign_id, Audience(filter=AudienceFilter(location="Kisumu")))
    await plan_all(connection, 3)
    messages = await rows(connection, "SELECT customer_id FROM outbound_messages ORDER BY customer_id")
    assert [message["customer_id"] for message in messages] == wanted


async def test_who_comes_after_the_send_is_not_written_to(connection: Connection) -> None:
    early = await add_customers(connection, 5)
    campaign_id = await add_campaign(connection)
    await begin_audience_send(connection, campaign_id, EVERYBODY)
    await add_customers(connection, 5, first_number=5)
    await plan_all(connection, 2)
    messages = await rows(connection, "SELECT customer_id FROM outbound_messages ORDER BY customer_id")
    assert [message["customer_id"] for message in messages] == early


async def test_the_total_adds_up_while_it_is_planned_and_when_customers_leave(connection: Connection) -> None:
    ids = await add_customers(connection, 10)
    campaign_id = await add_campaign(connection)
    await begin_audience_send(connection, campaign_id, EVERYBODY)
    await plan_next_chunk(connection, 4)
    [campaign] = await rows(connection, "SELECT audience_unplanned FROM campaigns")
    assert (await counts(connection, campaign_id))["total"] + campaign["audience_unplanned"] == 10
    await connection.execute("DELETE FROM customers WHERE id = ANY(%s)", [ids[6:]])
    await claim_chunk(connection, 60)
    await plan_all(connection, 4)
    [campaign] = await rows(connection, "SELECT audience_unplanned FROM campaigns")
    assert (await counts(connection, campaign_id))["total"] == 6
    assert campaign["audience_unplanned"] == 0


async def test_a_planned_chunk_is_published_before_the_next_is_planned(connection: Connection) -> None:
    await add_customers(connection, 10)
    await begin_audience_send(connection, await add_campaign(connection), EVERYBODY)
    assert await plan_next_chunk(connection, 3)
    assert not await plan_next_chunk(connection, 3)


@pytest.mark.parametrize("status", ["draft", "scheduled", "paused", "sent", "failed", "cancelled"])
async def test_nothing_is_planned_for_a_campaign_that_is_not_being_sent(connection: Connection, status: str) -> None:
    await add_customers(connection, 10)
    await begin_audience_send(connection, await add_campaign(connection, status=status), EVERYBODY)
    assert not await plan_next_chunk(connection, 3)


async def test_many_dispatchers_plan_every_customer_once(connection: Connection, pool: Pool) -> None:
    await add_customers(connection, 500)
    campaigns = [await add_campaign(connection) for _ in range(3)]
    for campaign_id in campaigns:
        await begin_audience_send(connection, campaign_id, EVERYBODY)

    async def dispatcher() -> None:
        async with pool.connection() as own:
            idle = 0
            while idle < 20:
                planned = await plan_next_chunk(own, 10)
                claimed = await claim_chunk(own, 60)
                idle = 0 if planned or claimed else idle + 1
                await asyncio.sleep(0)

    await asyncio.gather(*(dispatcher() for _ in range(4)))
    for campaign_id in campaigns:
        assert (await counts(connection, campaign_id))["total"] == 500
    assert len(await rows(connection, "SELECT * FROM outbound_messages")) == 1500
