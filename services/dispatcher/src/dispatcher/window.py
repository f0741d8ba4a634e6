"""The window: how many jobs may wait in a queue.

Messages that must wait are kept in PostgreSQL. RabbitMQ holds only jobs that can be sent soon. So its memory stays
bounded, a pause takes effect quickly, and a small campaign does not wait behind a large one.
"""

from aio_pika.exceptions import ChannelNotFoundEntity
from faststream.rabbit import RabbitQueue

from dispatcher.metrics import QUEUE_DEPTH
from leopard.broker.channels import ReopeningChannel
from leopard.broker.connection import Broker, BrokerBlockedError
from leopard.broker.queues import SENDS
from leopard.broker.topology import declare_topology
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)


class Window:
    """Measures the room that is left in a queue."""

    def __init__(self, broker: Broker, size: int, *, queue: RabbitQueue = SENDS) -> None:
        self._broker = broker
        self._size = size
        self._queue = queue
        self._channel = ReopeningChannel(broker)

    async def room(self) -> int:
        """The number of jobs that fit into the queue, 0 while RabbitMQ blocks. Declares a missing queue again.

        Raises:
            leopard.broker.topology.TopologyError: The queue cannot be declared.
            aio_pika.exceptions.AMQPError, ConnectionError: The broker is unavailable.
        """
        try:
            depth = await self.depth()
        except BrokerBlockedError:
            return 0
        except ChannelNotFoundEntity:
            await declare_topology(self._broker)
            log.warning("queue was missing, declared again", queue=self._queue.name)
            depth = 0
        QUEUE_DEPTH.labels(self._queue.name).set(depth)
        return max(self._size - depth, 0)

    async def depth(self) -> int:
        """The number of jobs that wait in the queue.

        Raises:
            aio_pika.exceptions.ChannelNotFoundEntity: The queue does not exist.
            leopard.broker.connection.BrokerBlockedError: RabbitMQ blocks publishing and does not answer.
            aio_pika.exceptions.AMQPError, ConnectionError: The broker is unavailable.
        """
        channel = await self._channel.underlay()
        declared = await self._broker.unless_blocked(channel.queue_declare(self._queue.name, passive=True))
        return int(declared.message_count or 0)
