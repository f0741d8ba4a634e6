"""The complete dispatcher: from campaigns in the database to jobs in the queue."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika

from dispatcher.main import create_app
from dispatcher.settings import DispatcherSettings
from leopard.broker.jobs import Nudge
from leopard.broker.queues import NUDGES, SENDS, SENDS_OF
from leopard.db.pool import Connection
from leopard.domain.statuses import Channel
from support.factories import add_campaign, add_customers, add_messages, rows


@asynccontextmanager
async def running(database_url: str, amqp_url: str, **settings: float | str) -> AsyncIterator[None]:
    given = {"database_url": database_url, "amqp_url": amqp_url, **settings}
    app = create_app(DispatcherSettings.model_validate(given))
    async with app.router.lifespan_context(app):
        yield


async def jobs_in(amqp_url: str, count: int, *, queue: str = SENDS.name, seconds: float = 20) -> list[int]:
    """The message ids of the next `count` jobs."""
    received: list[int] = []
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        async with asyncio.timeout(seconds):
            while len(received) < count:
                try:
                    declared = await channel.declare_queue(queue, passive=True)
                except aio_pika.exceptions.ChannelClosed:
                    await asyncio.sleep(0.1)
                    channel = await connection.channel()
                    continue
                if (message := await declared.get(fail=False, no_ack=True)) is None:
                    await asyncio.sleep(0.02)
                else:
                    received.append(json.loads(message.body)["message_id"])
    return received


async def test_every_message_of_a_campaign_gets_a_job(connection: Connection, database_url: str, amqp_url: str) -> None:
    messages = await add_messages(connection, await add_campaign(connection), await add_customers(connection, 30))
    async with running(database_url, amqp_url):
        assert sorted(await jobs_in(amqp_url, 30)) == messages


async def test_every_recipient_of_an_audience_gets_a_job(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    await add_customers(connection, 55)
    campaign_id = await add_campaign(connection, status="scheduled")
    await connection.execute(
        """UPDATE campaigns SET scheduled_at = now(), audience = '{"all": true}' WHERE id = %s""", [campaign_id]
    )
    async with running(database_url, amqp_url, chunk_size=10):
        received = await jobs_in(amqp_url, 55)
    messages = await rows(connection, "SELECT id FROM outbound_messages ORDER BY id")
    assert sorted(received) == [message["id"] for message in messages]


async def test_the_queue_never_holds_much_more_than_the_window(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    await add_customers(connection, 200)
    campaign_id = await add_campaign(connection, status="scheduled")
    await connection.execute(
        """UPDATE campaigns SET scheduled_at = now(), audience = '{"all": true}' WHERE id = %s""", [campaign_id]
    )
    async with running(database_url, amqp_url, chunk_size=10, window=20):
        first = await jobs_in(amqp_url, 1)
        await asyncio.sleep(1)
        written = len(await rows(connection, "SELECT id FROM outbound_messages"))
        assert written <= 40, "rows are written only as the queue has room"
        rest = await jobs_in(amqp_url, 199)
    assert len(set(first + rest)) == 200


async def test_a_nudge_starts_publishing_at_once(connection: Connection, database_url: str, amqp_url: str) -> None:
    async with running(database_url, amqp_url, poll_seconds=60), await aio_pika.connect(amqp_url) as broker:
        channel = await broker.channel()
        while True:
            try:
                await channel.declare_queue(NUDGES.name, passive=True)
                break
            except aio_pika.exceptions.ChannelClosed:
                await asyncio.sleep(0.1)
                channel = await broker.channel()
        await asyncio.sleep(1)
        campaign_id = await add_campaign(connection)
        [message] = await add_messages(connection, campaign_id, await add_customers(connection, 1))
        nudge = Nudge(campaign_id=campaign_id).model_dump_json().encode()
        await channel.default_exchange.publish(aio_pika.Message(nudge), NUDGES.name)
        assert await jobs_in(amqp_url, 1) == [message]


async def test_due_retries_are_published(connection: Connection, database_url: str, amqp_url: str) -> None:
    campaign_id = await add_campaign(connection)
    messages = await add_messages(connection, campaign_id, await add_customers(connection, 5))
    await connection.execute("UPDATE campaign_chunks SET check_at = now() + interval '1 hour'")
    await connection.execute(
        "UPDATE outbound_messages SET status = 'failed', next_attempt_at = now() + interval '2 seconds'"
    )
    async with running(database_url, amqp_url):
        assert sorted(await jobs_in(amqp_url, 5)) == messages


async def test_jobs_that_are_lost_are_published_again(connection: Connection, database_url: str, amqp_url: str) -> None:
    messages = await add_messages(connection, await add_campaign(connection), await add_customers(connection, 20))
    async with running(database_url, amqp_url, lease_seconds=1, sweep_seconds=1):
        assert sorted(await jobs_in(amqp_url, 20)) == messages
        # the jobs were taken but their messages were never claimed: they are lost
        assert sorted(await jobs_in(amqp_url, 20)) == messages


async def test_jobs_and_retries_go_to_the_dedicated_queue_of_their_channel(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    customers = await add_customers(connection, 10)
    sms = await add_messages(connection, await add_campaign(connection, channel="sms"), customers)
    whatsapp = await add_messages(connection, await add_campaign(connection, channel="whatsapp"), customers)
    retried = await add_messages(connection, await add_campaign(connection, channel="whatsapp"), customers[:3])
    await connection.execute(
        "UPDATE outbound_messages SET status = 'failed', next_attempt_at = now() WHERE id = ANY(%s)", [retried]
    )
    async with running(database_url, amqp_url, dedicated_queues="whatsapp"):
        assert sorted(await jobs_in(amqp_url, 10)) == sms
        assert sorted(await jobs_in(amqp_url, 13, queue=SENDS_OF[Channel.WHATSAPP].name)) == whatsapp + retried


async def test_jobs_of_an_audience_go_to_the_dedicated_queue_of_their_channel(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    await add_customers(connection, 25)
    campaign_id = await add_campaign(connection, status="scheduled", channel="whatsapp")
    await connection.execute(
        """UPDATE campaigns SET scheduled_at = now(), audience = '{"all": true}' WHERE id = %s""", [campaign_id]
    )
    async with running(database_url, amqp_url, chunk_size=10, dedicated_queues="sms,whatsapp"):
        assert len(set(await jobs_in(amqp_url, 25, queue=SENDS_OF[Channel.WHATSAPP].name))) == 25


async def test_a_channel_without_workers_delays_no_other(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    customers = await add_customers(connection, 60)
    for _ in range(3):
        await add_messages(connection, await add_campaign(connection, channel="sms"), customers)
    whatsapp = await add_messages(connection, await add_campaign(connection, channel="whatsapp"), customers)
    async with running(database_url, amqp_url, dedicated_queues="sms", window=20):
        assert sorted(await jobs_in(amqp_url, 60)) == whatsapp


async def test_jobs_in_an_abandoned_queue_are_republished_to_the_shared_queue(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    messages = await add_messages(connection, await add_campaign(connection), await add_customers(connection, 20))
    async with running(database_url, amqp_url, dedicated_queues="sms", lease_seconds=1, sweep_seconds=1):
        assert len(await jobs_in(amqp_url, 1, queue=SENDS_OF[Channel.SMS].name)) == 1
    async with running(database_url, amqp_url, lease_seconds=1, sweep_seconds=1):
        assert sorted(await jobs_in(amqp_url, 20)) == messages
