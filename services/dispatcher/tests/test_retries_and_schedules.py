"""Retries and scheduled campaigns start when they are due, exactly once."""

import asyncio
from itertools import chain

from dispatcher.completion import finish_campaigns
from dispatcher.retries import release_due
from dispatcher.schedules import NOBODY, start_due_campaign
from leopard.db.pool import Connection, Pool
from support.factories import add_campaign, add_customers, add_messages, rows


async def waiting_messages(connection: Connection, count: int, *, status: str = "sending") -> list[int]:
    campaign_id = await add_campaign(connection, status=status)
    messages = await add_messages(connection, campaign_id, await add_customers(connection, count))
    await connection.execute(
        "UPDATE outbound_messages SET status = 'failed', retry_count = 1, next_attempt_at = now() - interval '1 second'"
    )
    return messages


async def test_a_message_is_released_when_its_retry_is_due(connection: Connection) -> None:
    due, later = await waiting_messages(connection, 2)
    await connection.execute(
        "UPDATE outbound_messages SET next_attempt_at = now() + interval '1 hour' WHERE id = %s", [later]
    )
    assert [job.message_id for job in await release_due(connection, 10)] == [due]
    [row] = await rows(connection, "SELECT * FROM outbound_messages WHERE id = %s", due)
    assert (row["status"], row["next_attempt_at"], row["retry_count"]) == ("pending", None, 1)
    assert await release_due(connection, 10) == []


async def test_no_more_retries_are_released_than_the_limit(connection: Connection) -> None:
    await waiting_messages(connection, 10)
    assert [len(await release_due(connection, 4)) for _ in range(4)] == [4, 4, 2, 0]


async def test_no_retry_is_released_of_a_campaign_that_is_not_sending(connection: Connection) -> None:
    await waiting_messages(connection, 2, status="paused")
    assert await release_due(connection, 10) == []


async def test_concurrent_dispatchers_release_each_message_once(connection: Connection, pool: Pool) -> None:
    messages = await waiting_messages(connection, 200)

    async def dispatcher() -> list[int]:
        released: list[int] = []
        async with pool.connection() as own:
            for _ in range(20):
                released += [job.message_id for job in await release_due(own, 7)]
        return released

    released = await asyncio.gather(*(dispatcher() for _ in range(4)))
    assert sorted(chain.from_iterable(released)) == messages


async def scheduled(connection: Connection, when: str, audience: str | None) -> int:
    campaign_id = await add_campaign(connection, status="scheduled")
    await connection.execute(
        "UPDATE campaigns SET scheduled_at = now() + %s::interval, audience = %s::jsonb WHERE id = %s",
        [when, audience, campaign_id],
    )
    return campaign_id


async def test_a_scheduled_campaign_is_started_when_it_is_due(connection: Connection) -> None:
    await add_customers(connection, 4)
    due = await scheduled(connection, "-1 second", '{"all": true}')
    later = await scheduled(connection, "1 hour", '{"all": true}')
    assert await start_due_campaign(connection, 1000) == due
    assert await start_due_campaign(connection, 1000) is None
    [started] = await rows(connection, "SELECT * FROM campaigns WHERE id = %s", due)
    assert (started["status"], started["audience_unplanned"]) == ("sending", 4)
    [waiting] = await rows(connection, "SELECT status FROM campaigns WHERE id = %s", later)
    assert waiting["status"] == "scheduled"


async def test_a_scheduled_campaign_that_nobody_gets_fails_with_the_reason(connection: Connection) -> None:
    await add_customers(connection, 4)
    nobody = await scheduled(connection, "-2 seconds", '{"filter": {"location": "Atlantis"}}')
    held_out = await scheduled(connection, "-1 second", '{"all": true}')
    await connection.execute("UPDATE campaigns SET holdout_share = 1 WHERE id = %s", [held_out])
    for campaign_id in (nobody, held_out):
        assert await start_due_campaign(connection, 1000) == campaign_id
    assert await finish_campaigns(connection) == [nobody, held_out]
    for campaign in await rows(connection, "SELECT status, failure_reason FROM campaigns"):
        assert campaign == {"status": "failed", "failure_reason": NOBODY}
    [counts] = await rows(connection, "SELECT sum(held_out) AS held_out, sum(total) AS total FROM campaign_counts")
    assert counts == {"held_out": 4, "total": 0}


async def test_a_scheduled_campaign_without_an_audience_waits_for_a_send_request(connection: Connection) -> None:
    await scheduled(connection, "-1 second", None)
    assert await start_due_campaign(connection, 1000) is None


async def test_concurrent_dispatchers_start_a_campaign_once(connection: Connection, pool: Pool) -> None:
    await add_customers(connection, 4)
    due = await scheduled(connection, "-1 second", '{"filter": {"location": "Nairobi"}}')

    async def start() -> int | None:
        async with pool.connection() as own:
            return await start_due_campaign(own, 1000)

    started = await asyncio.gather(*(start() for _ in range(6)))
    assert [campaign_id for campaign_id in started if campaign_id is not None] == [due]
