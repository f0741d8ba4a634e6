"""Consuming: queues are declared first, then subscribers start, and a consumer that is lost is started again."""

import time
from typing import Final, cast

import aiormq
from faststream.rabbit.subscriber.usecase import RabbitSubscriber

from leopard.logs import get_logger
from leopard.messaging import Broker, connection_of, declare_topology

log = get_logger(__name__)

CHECK_SECONDS: Final = 2.0
_LOST_AFTER_SECONDS: Final = 10.0
"""A consumer that is missing for so long does not come back by itself."""


class ConsumerLostError(Exception):
    """A queue has lost its consumer although the broker is connected; names the queue."""


class Consuming:
    """The subscribers of a broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._started = False
        self._missing_since: float | None = None

    def problem(self) -> str | None:
        """Why nothing is consumed; null where it is."""
        if not self._started:
            return "queues are not declared yet"
        return None if self._missing_since is None else "a consumer is missing"

    async def step(self) -> float:
        """Declare and start, or see that all consumers are there; the seconds to rest.

        Raises:
            TopologyError: A queue cannot be declared.
            ConsumerLostError: A consumer was missing for too long and has been started again.
            ConnectionError, aio_pika.exceptions.AMQPError: RabbitMQ is unavailable.
        """
        if not self._started:
            await declare_topology(self._broker)
            await self._broker.connect()
            await self._broker.start()
            self._started = True
            return CHECK_SECONDS
        try:
            connection_of(self._broker)
        except ConnectionError:
            # a queue that was deleted keeps the broker's own connection from coming back
            await declare_topology(self._broker)
            raise
        if self._broker.blocked_reason is not None:
            return CHECK_SECONDS
        missing = [subscriber for subscriber in self._subscribers() if not await _is_consuming(subscriber)]
        if not missing:
            self._missing_since = None
        elif self._missing_since is None:
            self._missing_since = time.monotonic()
        elif time.monotonic() - self._missing_since > _LOST_AFTER_SECONDS:
            await self._restart(missing)
        return CHECK_SECONDS

    def _subscribers(self) -> list[RabbitSubscriber]:
        return [one for one in self._broker.subscribers if isinstance(one, RabbitSubscriber)]

    async def _restart(self, missing: list[RabbitSubscriber]) -> None:
        log.warning("consumer lost, starting it again", queues=[subscriber.queue.name for subscriber in missing])
        await declare_topology(self._broker)
        for subscriber in missing:
            await subscriber.stop()
            await subscriber.start()
        self._missing_since = None


async def _is_consuming(subscriber: RabbitSubscriber) -> bool:
    queue, tag = subscriber._queue_obj, subscriber._consumer_tag  # noqa: SLF001 FastStream does not tell otherwise
    if queue is None or tag is None or queue.channel.is_closed:
        return False
    underlay = await queue.channel.get_underlay_channel()
    return not underlay.is_closed and tag in cast("aiormq.Channel", underlay).consumers
