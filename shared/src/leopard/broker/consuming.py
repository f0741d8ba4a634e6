"""Consuming: queues are declared first, then subscribers start, and a consumer that is lost is started again."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

import aiormq
from faststream.rabbit.subscriber.usecase import RabbitSubscriber

from leopard.broker.messaging import Broker, connection_of, declare_topology
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

CHECK_SECONDS: Final = 2.0
_LOST_AFTER_SECONDS: Final = 10.0
"""A consumer that is missing for so long does not come back by itself."""
_START_SECONDS: Final = 40.0
"""How long consumers may take to start; handlers that are under way are waited for."""
_ANSWER_SECONDS: Final = 5.0
"""A channel that is not there within this time is missing."""


class ConsumerLostError(Exception):
    """Queues have no consumer although the broker is connected, and none can be started."""


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
            ConsumerLostError: Consumers cannot be started, although RabbitMQ is connected.
            TimeoutError, ConnectionError, aio_pika.exceptions.AMQPError: RabbitMQ is unavailable.
        """
        if not self._started:
            await self._start()
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

    async def _start(self) -> None:
        await declare_topology(self._broker)
        await self._broker.connect_in_time()
        try:
            async with _in_time("start"):
                await self._broker.start()
        except BaseException:
            await self._broker.begin_again()
            raise
        self._started = True

    async def _restart(self, missing: list[RabbitSubscriber]) -> None:
        log.warning("consumer lost, starting it again", queues=[subscriber.queue.name for subscriber in missing])
        await declare_topology(self._broker)
        async with _in_time("come back"):
            for subscriber in missing:
                await subscriber.stop()
                await subscriber.start()
        self._missing_since = None


@asynccontextmanager
async def _in_time(what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_START_SECONDS):
            yield
    except TimeoutError as error:
        # not an outage: RabbitMQ is connected
        raise ConsumerLostError(f"consumers did not {what} within {_START_SECONDS:g} s") from error


async def _is_consuming(subscriber: RabbitSubscriber) -> bool:
    queue, tag = subscriber._queue_obj, subscriber._consumer_tag  # noqa: SLF001 FastStream does not tell otherwise
    if queue is None or tag is None or queue.channel.is_closed:
        return False
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            underlay = await queue.channel.get_underlay_channel()
    except TimeoutError:
        return False
    return not underlay.is_closed and tag in cast("aiormq.Channel", underlay).consumers
