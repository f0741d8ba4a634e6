"""Nudges: a hint to the dispatcher that there is something to do.

A nudge may be lost; a request never waits for one. Without it the dispatcher comes around within its poll interval.
"""

import asyncio
import contextlib
from typing import Final

from leopard.broker.connection import Broker
from leopard.broker.jobs import Nudge
from leopard.broker.queues import NUDGES
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

_SECONDS: Final = 2
_AT_ONCE: Final = 100
_IDLE_SECONDS: Final = 1.0


class Nudges:
    """Publishes nudges in the background; drops them while RabbitMQ is unavailable."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._connected = False
        self._waiting: set[int] = set()
        self._has_waiting = asyncio.Event()

    def nudge(self, campaign_id: int) -> None:
        """Hint to the dispatcher that a campaign has work, if RabbitMQ is available."""
        if self._connected and self._broker.blocked_reason is None and len(self._waiting) < _AT_ONCE:
            self._waiting.add(campaign_id)
            self._has_waiting.set()

    async def step(self) -> float:
        """Connect at first, then publish the waiting nudges; the seconds to rest.

        Raises:
            aio_pika.exceptions.AMQPError, ConnectionError, TimeoutError, leopard.broker.connection.BrokerBlockedError:
                RabbitMQ is unavailable.
        """
        if not await self._connect():
            return _IDLE_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_IDLE_SECONDS):
                await self._has_waiting.wait()
        self._has_waiting.clear()
        while self._waiting:
            # removed first: a nudge that fails is lost, and the dispatcher's poll finds the campaign
            nudge = Nudge(campaign_id=self._waiting.pop())
            async with asyncio.timeout(_SECONDS):
                await self._broker.unless_blocked(
                    self._broker.publish(nudge.model_dump(), NUDGES.name, mandatory=False)
                )
        return 0

    async def _connect(self) -> bool:
        if not self._connected:
            try:
                await self._broker.connect_in_time()
            except TimeoutError:
                # the broker monitor reports it; the API is ready without a broker
                return False
            self._connected = True
        return True
