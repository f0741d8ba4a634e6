"""Declares the queues, and says which queue cannot be declared."""

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError, ChannelClosed
from aiormq.exceptions import ChannelAccessRefused
from faststream.rabbit import RabbitQueue

from leopard.broker.connection import Broker
from leopard.broker.queues import QUEUES
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)


class TopologyError(Exception):
    """A queue cannot be declared; names the queue and says why."""


async def declare_topology(broker: Broker) -> None:
    """Declare every queue; does nothing where they exist.

    It uses a new connection: the broker's connection may be busy restoring consumers of a missing queue.

    Raises:
        TopologyError: A queue exists with other arguments, or this user may neither declare nor see it.
        ConnectionError, aio_pika.exceptions.AMQPError: There is no connection at this moment.
    """
    try:
        async with await aio_pika.connect(broker.url, timeout=5) as connection:
            for queue in QUEUES:
                await _declare(connection, queue)
    except TopologyError as error:
        if str(error) != broker.topology_problem:
            log.warning("queues cannot be declared, retrying", reason=str(error))
        broker.topology_problem = str(error)
        raise
    if broker.topology_problem is not None:
        log.info("queues are declared")
    broker.topology_problem = None


async def _declare(connection: AbstractConnection, queue: RabbitQueue) -> None:
    try:
        async with connection.channel(publisher_confirms=False) as channel:
            await channel.declare_queue(queue.name, durable=queue.durable, arguments=queue.arguments)
    except ChannelAccessRefused as refused:
        # who may not configure may still use a queue that the operator has declared
        try:
            async with connection.channel(publisher_confirms=False) as channel:
                await channel.declare_queue(queue.name, passive=True)
        except ChannelClosed:
            raise TopologyError(f"queue {queue.name} cannot be declared: {_reason(refused)}") from None
    except ChannelClosed as error:
        raise TopologyError(f"queue {queue.name} cannot be declared: {_reason(error)}") from None


def _reason(error: AMQPError) -> str:
    # what RabbitMQ said; the error's own text and its `reason` only say what such an error is in general
    return str(error.args[0]) if error.args else type(error).__name__
