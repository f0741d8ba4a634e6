"""Consuming: queues are declared first, then subscribers start; a lost consumer starts again on a new connection."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

import aiormq
from faststream.rabbit.subscriber.usecase import RabbitSubscriber

from leopard.broker.connection import Broker, connection_of
from leopard.broker.topology import declare_topology
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
        self._missing: list[str] = []
        self._missing_since = 0.0

    def problem(self) -> str | None:
        """Why nothing is consumed; null where it is."""
        if self._broker.topology_problem is not None:
            return self._broker.topology_problem
        if not self._started:
            return "queues are not declared yet"
        return f"no consumer on {', '.join(self._missing)}" if self._missing else None

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
        if self._broker.topology_problem is not None:
            await declare_topology(self._broker)
        if self._broker.blocked_reason is not None:
            return CHECK_SECONDS
        missing = [subscriber for subscriber in self._subscribers() if not await _is_consuming(subscriber)]
        if not self._missing:
            self._missing_since = time.monotonic()
        self._missing = sorted(subscriber.queue.name for subscriber in missing)
        if missing and time.monotonic() - self._missing_since > _LOST_AFTER_SECONDS:
            await self._end()
            return 0
        return CHECK_SECONDS

    def _subscribers(self) -> list[RabbitSubscriber]:
        return [one for one in self._broker.subscribers if isinstance(one, RabbitSubscriber)]

    async def _start(self) -> None:
        # connected first, so that a queue that cannot be declared is not taken for an outage
        await self._broker.connect_in_time()
        await declare_topology(self._broker)
        try:
            async with _in_time("start"):
                await self._broker.start()
        except BaseException:
            await self._broker.begin_again()
            raise
        self._started = True

    async def _end(self) -> None:
        # FastStream keeps channels and queues by name, also closed ones: only a new connection has new ones
        log.warning("consumer lost, connecting again", queues=self._missing)
        self._missing = []
        self._started = False
        try:
            async with _in_time("end"):
                await self._broker.stop()
        finally:
            await self._broker.begin_again()


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
