"""The window: how many jobs may wait in the queue.

What waits, waits in PostgreSQL. RabbitMQ holds only what can be sent soon: its memory stays bounded, a pause takes
effect at once, and a large campaign does not stand in front of a small one.
"""

from aio_pika import RobustChannel, RobustConnection
from faststream.rabbit import RabbitBroker

from dispatcher.metrics import QUEUE_DEPTH
from leopard.messaging import SENDS


class Window:
    """Measures the queue and says how much room is left."""

    def __init__(self, broker: RabbitBroker, size: int) -> None:
        self._broker = broker
        self._size = size
        self._channel: RobustChannel | None = None

    async def room(self) -> int:
        """How many more jobs the queue may take.

        Raises:
            aio_pika.exceptions.AMQPError: The broker is away, or the queue is gone.
        """
        connection: RobustConnection | None = self._broker._connection  # noqa: SLF001 FastStream offers no other way
        if connection is None or not connection.connected.is_set():
            msg = "not connected to RabbitMQ"
            raise ConnectionError(msg)
        if self._channel is None or self._channel.is_closed:
            self._channel = connection.channel(publisher_confirms=False)  # type: ignore[assignment]
            assert self._channel is not None  # noqa: S101 for the type checker
            await self._channel.initialize()
        underlay = await self._channel.get_underlay_channel()
        declared = await underlay.queue_declare(SENDS.name, passive=True)
        depth = int(declared.message_count or 0)
        QUEUE_DEPTH.set(depth)
        return max(self._size - depth, 0)
