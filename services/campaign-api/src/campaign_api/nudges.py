"""Nudges: a hint to the dispatcher that there is something to do.

A nudge may be lost; a request never waits for one. Without it the dispatcher comes around within its poll interval.
"""

import asyncio
from typing import Final

from faststream.rabbit import RabbitBroker

from leopard.jobs import Nudge
from leopard.logs import get_logger
from leopard.messaging import NUDGES

log = get_logger(__name__)

_SECONDS: Final = 2
_AT_ONCE: Final = 100


class Nudges:
    """Publishes nudges in the background, and gives up soon."""

    def __init__(self, broker: RabbitBroker) -> None:
        self._broker = broker
        self._connecting: asyncio.Task[None] | None = None
        self._publishing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to connect; a broker that is away is waited for in the background."""
        self._connecting = asyncio.create_task(self._connect())

    def nudge(self, campaign_id: int) -> None:
        """Tell the dispatcher of a campaign, if that is possible at this moment."""
        connected = self._connecting is not None and self._connecting.done()
        if connected and len(self._publishing) < _AT_ONCE:
            task = asyncio.create_task(self._publish(Nudge(campaign_id=campaign_id)))
            self._publishing.add(task)
            task.add_done_callback(self._publishing.discard)

    async def stop(self) -> None:
        """Drop what is under way and disconnect."""
        for task in (self._connecting, *self._publishing):
            if task is not None:
                task.cancel()
        await self._broker.stop()

    async def _connect(self) -> None:
        await self._broker.connect()

    async def _publish(self, nudge: Nudge) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                await self._broker.publish(nudge.model_dump(), NUDGES.name, mandatory=False)
        except Exception as error:  # noqa: BLE001 whatever it was, the poll makes up for it
            log.debug("nudge lost", campaign_id=nudge.campaign_id, error=type(error).__name__)
