"""Publish Leopard's jobs with bare aio-pika, for all contenders that consume them."""

import asyncio

import aio_pika
from aio_pika.abc import AbstractChannel

from leopard.broker.queues import QUEUES, SENDS
from leopard_local.stores import Stores

OUTSTANDING = 1000
"""Maximum number of unconfirmed jobs."""


def queue_jobs(stores: Stores, message_ids: range) -> None:
    """Declare the queues, publish a persistent job for each message, and wait for the confirms."""
    asyncio.run(_queue_jobs(stores.amqp_url, message_ids))


async def _queue_jobs(amqp_url: str, message_ids: range) -> None:
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for queue in QUEUES:
            await channel.declare_queue(queue.name, durable=queue.durable, arguments=queue.arguments)
        await publish_jobs(channel, message_ids)


async def publish_jobs(channel: AbstractChannel, message_ids: range) -> None:
    """Publish a persistent job for each message on an open channel, and wait for the confirms."""
    for first in range(message_ids.start, message_ids.stop, OUTSTANDING):
        group = range(first, min(first + OUTSTANDING, message_ids.stop))
        await asyncio.gather(
            *(
                channel.default_exchange.publish(
                    aio_pika.Message(
                        b'{"message_id":%d,"campaign_id":1,"customer_id":%d}' % (message_id, message_id),
                        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                        content_type="application/json",
                    ),
                    SENDS.name,
                )
                for message_id in group
            )
        )
