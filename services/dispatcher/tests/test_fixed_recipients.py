"""The recipients of an audience are fixed at the send: no later change adds or removes one."""

import os

import pytest

from dispatcher.cancellation import cancel_unplanned
from dispatcher.planning import plan_next_chunk
from dispatcher.schedules import start_due_campaign
from leopard.audiences.model import Audience
from leopard.audiences.snapshot import begin_audience_send
from leopard.db.chunks import claim_chunk
from leopard.db.pool import Connection
from leopard.domain.formats import FIXED_RECIPIENTS_FORMAT
from support.factories import add_campaign, add_customers, counts, rows

SIZE = int(os.environ.get("AUDIENCE", "3000"))
"""Customers of the audience that is fanned out; a million takes minutes."""


async def begin(connection: Connection, audience: dict[str, object], *, chunk_size: int = 10) -> int:
    campaign_id = await add_campaign(connection)
    await begin_audience_send(connection, campaign_id, Audience.model_validate(audience), chunk_size=chunk_size)
    return campaign_id


async def plan_all(connection: Connection, chunk_size: int) -> None:
    while await plan_next_chunk(connection, chunk_size):
        while await claim_chunk(connection, 3600):
            pass


async def recipients(connection: Connection, campaign_id: int) -> list[int]:
    found = await rows(
        connection,
        "SELECT customer_id FROM outbound_messages WHERE campaign_id = %s ORDER BY customer_id",
        campaign_id,
    )
    return [row["customer_id"] for row in found]


@pytest.mark.timeout(3600)
async def test_customers_who_change_during_the_fan_out_neither_join_nor_leave(connection: Connection) -> None:
    inside = [
        customer
        for first in range(0, SIZE, 50_000)
        for customer in await add_customers(connection, min(50_000, SIZE - first), first_number=first)
    ]
    outside = await add_customers(connection, 30, location="Kisumu", first_number=SIZE)
    chunk_size = max(SIZE // 30, 1)
    campaign_id = await begin(connection, {"filter": {"field": "location", "equal": "Nairobi"}}, chunk_size=chunk_size)
    deleted: list[int] = []
    for step in range(30):
        assert await plan_next_chunk(connection, chunk_size)
        await claim_chunk(connection, 3600)
        # the last customer is not planned before the last step
        leaver = inside[-1 - step % 3]
        await connection.execute("UPDATE customers SET location = 'Kisumu' WHERE id = %s", [leaver])
        await connection.execute("UPDATE customers SET location = 'Nairobi' WHERE id = %s", [outside[step]])
        await add_customers(connection, 1, location="Nairobi", first_number=SIZE + 30 + step)
        if step == 20:
            deleted = inside[-10:-5]
            await connection.execute("DELETE FROM customers WHERE id = ANY(%s)", [deleted])
        [campaign] = await rows(connection, "SELECT audience_unplanned FROM campaigns WHERE id = %s", campaign_id)
        total = (await counts(connection, campaign_id)).get("total", 0) + campaign["audience_unplanned"]
        assert SIZE - len(deleted) <= total <= SIZE
    await plan_all(connection, chunk_size)
    assert await recipients(connection, campaign_id) == [id_ for id_ in inside if id_ not in set(deleted)]
    assert (await counts(connection, campaign_id))["total"] == SIZE - len(deleted)
    [campaign] = await rows(connection, "SELECT * FROM campaigns WHERE id = %s", campaign_id)
    assert campaign["audience_unplanned"] == 0
    assert campaign["audience_planned_to"] == campaign["audience_last_id"] == inside[-1]
    assert await rows(connection, "SELECT FROM audience_recipients") == []


@pytest.mark.parametrize(("stored", "planned"), [(10, 3), (3, 10), (7, 7), (1, 100)])
async def test_chunks_may_be_smaller_or_larger_than_the_stored_rows(
    connection: Connection, stored: int, planned: int
) -> None:
    customers = await add_customers(connection, 25)
    campaign_id = await begin(connection, {"all": True}, chunk_size=stored)
    await plan_all(connection, planned)
    assert await recipients(connection, campaign_id) == customers
    chunks = await rows(connection, "SELECT first_customer_id, last_customer_id FROM campaign_chunks ORDER BY id")
    ends = [end for chunk in chunks for end in (chunk["first_customer_id"], chunk["last_customer_id"])]
    assert ends == sorted(ends), "no two chunks overlap"


async def test_a_whole_row_of_deleted_customers_does_not_stop_planning(connection: Connection) -> None:
    customers = await add_customers(connection, 9)
    campaign_id = await begin(connection, {"all": True}, chunk_size=3)
    await connection.execute("DELETE FROM customers WHERE id = ANY(%s)", [customers[3:6]])
    await plan_all(connection, 3)
    assert await recipients(connection, campaign_id) == customers[:3] + customers[6:]
    assert (await counts(connection, campaign_id))["total"] == 6
    [campaign] = await rows(connection, "SELECT audience_unplanned FROM campaigns")
    assert campaign["audience_unplanned"] == 0


async def test_a_send_marks_its_campaign_for_versions_that_know_fixed_recipients(connection: Connection) -> None:
    await add_customers(connection, 1)
    await begin(connection, {"all": True})
    assert await rows(connection, "SELECT format FROM campaigns") == [{"format": FIXED_RECIPIENTS_FORMAT}]


@pytest.mark.parametrize("campaign_format", [1, 2])
async def test_a_send_that_an_earlier_version_began_is_planned_as_before(
    connection: Connection, campaign_format: int
) -> None:
    await add_customers(connection, 5, location="Kisumu")
    wanted = await add_customers(connection, 5, first_number=5)
    campaign_id = await add_campaign(connection)
    await connection.execute(
        """
        UPDATE campaigns
           SET audience = '{"filter": {"location": "Nairobi"}}', audience_last_id = %s, audience_unplanned = 5,
               format = %s
        """,
        [wanted[-1], campaign_format],
    )
    await add_customers(connection, 5, first_number=10)
    await plan_all(connection, 2)
    assert await recipients(connection, campaign_id) == wanted
    assert (await counts(connection, campaign_id))["total"] == 5


async def test_a_cancelled_campaign_forgets_its_recipients(connection: Connection) -> None:
    await add_customers(connection, 10)
    campaign_id = await begin(connection, {"all": True}, chunk_size=4)
    await plan_next_chunk(connection, 4)
    await connection.execute("UPDATE campaigns SET status = 'cancelled'")
    assert await cancel_unplanned(connection)
    assert not await cancel_unplanned(connection)
    assert await rows(connection, "SELECT FROM audience_recipients") == []
    assert await counts(connection, campaign_id) == {"total": 10, "cancelled": 6}


async def scheduled_to_a_segment(connection: Connection) -> int:
    [segment] = await rows(
        connection, """INSERT INTO segments (name, filter) VALUES ('s', '{"location": "Nairobi"}') RETURNING id"""
    )
    campaign_id = await add_campaign(connection, status="scheduled")
    await connection.execute(
        """
        UPDATE campaigns
           SET audience = jsonb_build_object('segment', %s::bigint), scheduled_at = now() - interval '1 minute',
               format = 2
        """,
        [segment["id"]],
    )
    return campaign_id


async def test_a_segment_is_resolved_when_a_scheduled_campaign_starts(connection: Connection) -> None:
    await add_customers(connection, 3)
    wanted = await add_customers(connection, 3, location="Kisumu", first_number=3)
    campaign_id = await scheduled_to_a_segment(connection)
    await connection.execute("""UPDATE segments SET filter = '{"location": "Kisumu"}'""")
    assert await start_due_campaign(connection, 10) == campaign_id
    await connection.execute("DELETE FROM segments")
    await plan_all(connection, 10)
    assert await recipients(connection, campaign_id) == wanted


async def test_a_scheduled_campaign_whose_segment_was_deleted_fails_with_a_reason(connection: Connection) -> None:
    await add_customers(connection, 3)
    await scheduled_to_a_segment(connection)
    await connection.execute("DELETE FROM segments")
    await start_due_campaign(connection, 10)
    [campaign] = await rows(connection, "SELECT status, failure_reason FROM campaigns")
    assert campaign["status"] == "failed"
    assert campaign["failure_reason"].endswith("does not exist")
