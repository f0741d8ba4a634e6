"""The message of a job that RabbitMQ refuses after too many deliveries is still sent."""

import aio_pika
from aio_pika.abc import AbstractQueue

from leopard.broker.connection import create_broker
from leopard.broker.dead_letter import DeadLetter
from leopard.broker.dead_letter_queue import Fate, walk
from leopard.broker.queues import SENDS
from leopard.broker.topology import declare_topology
from leopard.db.pool import Connection
from support.factories import rows, until
from troubles.scripted import scripted_provider
from troubles.services import campaign_of, services, statuses, until_finished

MESSAGES = 3


async def requeue_until_refused(queue: AbstractQueue) -> None:
    """Take and requeue all jobs until RabbitMQ has refused every one of them."""

    async def is_empty() -> bool:
        job = await queue.get(fail=False)
        if job is not None:
            await job.reject(requeue=True)
        return job is None

    await until(is_empty, seconds=60)


async def test_a_job_that_was_requeued_too_often_is_published_again(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    async with create_broker(amqp_url, service="tests", shutdown_seconds=1) as broker:
        await declare_topology(broker)
    async with scripted_provider() as provider:
        campaign_id = await campaign_of(connection, MESSAGES)
        async with services(database_url, amqp_url, url=provider.url, workers=0, lease_seconds=3):

            async def all_are_published() -> bool:
                return bool(await rows(connection, "SELECT FROM campaign_chunks WHERE check_at IS NOT NULL"))

            await until(all_are_published)
            async with await aio_pika.connect(amqp_url) as opened, opened.channel() as channel:
                await requeue_until_refused(await channel.declare_queue(SENDS.name, passive=True))
            assert await statuses(connection, campaign_id) == {"pending": MESSAGES}
        dead: list[DeadLetter] = []

        def put_back(_number: int, dead_letter: DeadLetter) -> Fate:
            dead.append(dead_letter)
            return Fate.PUT_BACK

        async with services(database_url, amqp_url, url=provider.url, lease_seconds=16):
            assert await until_finished(connection, campaign_id) == {"sent": MESSAGES}
            await walk(amqp_url, put_back, wait_seconds=0)
        # it is harmless to put back jobs that were already published again
        async with (
            services(database_url, amqp_url, url=provider.url, lease_seconds=16),
            await aio_pika.connect(amqp_url) as opened,
            opened.channel() as channel,
        ):

            async def all_are_taken() -> bool:
                queue = await channel.declare_queue(SENDS.name, passive=True)
                return queue.declaration_result.message_count == 0

            await until(all_are_taken)
    assert {letter.reason for letter in dead} == {"refused by the broker: delivery_limit"}
    assert len(dead) >= MESSAGES
    assert set(provider.accepted.values()) == {1}
