"""The window: how many jobs may wait in a queue.

Messages that must wait are kept in PostgreSQL. RabbitMQ holds only what can be sent soon: its memory stays bounded, a
pause takes effect at once, and a large campaign does not stand in front of a small one.
"""

from aio_pika.exceptions import ChannelNotFoundEntity
from faststream.rabbit import RabbitQueue

from dispatcher.metrics import QUEUE_DEPTH
from leopard.broker.connection import Broker, BrokerBlockedError, ReopeningChannel
from leopard.broker.queues import SENDS
from leopard.broker.topology import declare_topology
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)


class Window:
    """Measures a queue and says how much room is left."""

    def __init__(self, broker: Broker, size: int, *, queue: RabbitQueue = SENDS) -> None:
        self._broker = broker
        self._size = size
        self._queue = queue
        self._channel = ReopeningChannel(broker)

    async def room(self) -> int:
        """How many more jobs the queue may take: none while RabbitMQ blocks; a queue that is gone is declared again.

        Raises:
            leopard.broker.topology.TopologyError: It cannot be declared.
            aio_pika.exceptions.AMQPError, ConnectionError: The broker is unavailable.
        """
        try:
            depth = await self.depth()
        except BrokerBlockedError:
            return 0
        except ChannelNotFoundEntity:
            await declare_topology(self._broker)
            log.warning("the queue was gone and has been declared again", queue=self._queue.name)
            depth = 0
        QUEUE_DEPTH.labels(self._queue.name).set(depth)
        return max(self._size - depth, 0)

    async def depth(self) -> int:
        """How many jobs wait in the queue for a worker.

        Raises:
            aio_pika.exceptions.ChannelNotFoundEntity: There is no such queue.
            leopard.broker.connection.BrokerBlockedError: RabbitMQ blocks, and answers nothing.
            aio_pika.exceptions.AMQPError, ConnectionError: The broker is unavailable.
        """
        channel = await self._channel.underlay()
        declared = await self._broker.unless_blocked(channel.queue_declare(self._queue.name, passive=True))
        return int(declared.message_count or 0)
