"""An audience is planned chunk by chunk, and each customer gets one message."""

import asyncio

import pytest

from dispatcher.planning import plan_next_chunk
from leopard.audiences.model import Audience
from leopard.audiences.snapshot import begin_audience_send
from leopard.db.chunks import claim_chunk
from leopard.db.pool import Connection, Pool
from support.factories import add_campaign, add_customers, counts, rows

ALL_CUSTOMERS = Audience(all=True)


async def plan_all(connection: Connection, chunk_size: int) -> int:
    """Plan the whole audience, and claim each chunk after planning it, as the dispatcher does."""
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
    assert await begin_audience_send(connection, campaign_id, ALL_CUSTOMERS, chunk_size=chunk_size) == customers
    await plan_all(connection, chunk_size)
    messages = await rows(connection, "SELECT customer_id FROM outbound_messages ORDER BY customer_id")
    assert [message["customer_id"] for message in messages] == ids
    assert len(await rows(connection, "SELECT * FROM campaign_chunks")) == chunks
    assert (await counts(connection, campaign_id))["total"] == customers
    [campaign] = await rows(connection, "SELECT * FROM campaigns")
    assert campaign["audience_unplanned"] == 0
    assert campaign["audience_planned_to"] == campaign["audience_last_id"] == ids[-1]


async def test_only_customers_that_match_the_filter_get_a_message(connection: Connection) -> None:
    await add_customers(connection, 10, location="Nairobi")
    wanted = await add_customers(connection, 10, location="Kisumu", first_number=10)
    await add_customers(connection, 10, location=None, first_number=20)
    campaign_id = await add_campaign(connection)
    await begin_audience_send(
        connection, campaign_id, Audience.model_validate({"filter": {"location": "Kisumu"}}), chunk_size=7
    )
    await plan_all(connection, 3)
    messages = await rows(connection, "SELECT customer_id FROM outbound_messages ORDER BY customer_id")
    assert [message["customer_id"] for message in messages] == wanted


async def test_a_customer_created_after_the_send_gets_no_message(connection: Connection) -> None:
    early = await add_customers(connection, 5)
    campaign_id = await add_campaign(connection)
    await begin_audience_send(connection, campaign_id, ALL_CUSTOMERS, chunk_size=7)
    await add_customers(connection, 5, first_number=5)
    await plan_all(connection, 2)
    messages = await rows(connection, "SELECT customer_id FROM outbound_messages ORDER BY customer_id")
    assert [message["customer_id"] for message in messages] == early


async def test_the_total_stays_correct_during_planning_and_when_customers_are_deleted(connection: Connection) -> None:
    ids = await add_customers(connection, 10)
    campaign_id = await add_campaign(connection)
    await begin_audience_send(connection, campaign_id, ALL_CUSTOMERS, chunk_size=7)
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
    await begin_audience_send(connection, await add_campaign(connection), ALL_CUSTOMERS, chunk_size=7)
    assert await plan_next_chunk(connection, 3)
    assert not await plan_next_chunk(connection, 3)


@pytest.mark.parametrize("status", ["draft", "scheduled", "paused", "sent", "failed", "cancelled"])
async def test_no_campaign_is_planned_that_is_not_sending(connection: Connection, status: str) -> None:
    await add_customers(connection, 10)
    await begin_audience_send(connection, await add_campaign(connection, status=status), ALL_CUSTOMERS, chunk_size=7)
    assert not await plan_next_chunk(connection, 3)


async def test_concurrent_dispatchers_plan_every_customer_once(connection: Connection, pool: Pool) -> None:
    await add_customers(connection, 500)
    campaigns = [await add_campaign(connection) for _ in range(3)]
    for campaign_id in campaigns:
        await begin_audience_send(connection, campaign_id, ALL_CUSTOMERS, chunk_size=7)

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
