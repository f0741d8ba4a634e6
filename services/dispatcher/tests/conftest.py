"""Fixtures of the dispatcher's tests."""

from collections.abc import AsyncIterator

import aio_pika
import pytest_asyncio

from leopard.broker.connection import Broker, connection_of, create_broker
from leopard.broker.queues import SENDS
from leopard.broker.topology import declare_topology


@pytest_asyncio.fixture
async def broker(amqp_url: str) -> AsyncIterator[Broker]:
    """A connected broker with every queue declared."""
    async with create_broker(amqp_url, service="tests", shutdown_seconds=1) as connected:
        await declare_topology(connected)
        yield connected


@pytest_asyncio.fixture
async def sends(broker: Broker) -> AsyncIterator[aio_pika.abc.AbstractQueue]:
    """The queue `campaign_sends`, for inspection."""
    async with connection_of(broker).channel() as channel:
        yield await channel.declare_queue(SENDS.name, passive=True, robust=False)
