"""Steps that are repeated for as long as the process lives.

What is due is read from the tables again and again, and whatever fails is done again: every step can be done twice.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Final

from dispatcher.publishing import BROKER_AWAY
from leopard.db.pool import DATABASE_AWAY
from leopard.logs import get_logger

log = get_logger(__name__)

MAX_BACKOFF_SECONDS: Final = 10

Step = Callable[[], Awaitable[float]]
"""Does something, and says for how many seconds to rest afterwards."""


class Loop:
    """Repeats one step until it is stopped; waits outages out with backoff and full jitter."""

    def __init__(self, name: str, step: Step) -> None:
        self._name = name
        self._step = step
        self._woken = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """End the rest that is under way, if one is."""
        self._woken.set()

    def stop(self) -> None:
        """End after the step that is under way."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Repeat the step; returns once it was stopped."""
        failures = 0
        while not self._stopping:
            self._woken.clear()
            try:
                seconds = await self._step()
            except (*BROKER_AWAY, *DATABASE_AWAY) as error:
                failures += 1
                seconds = random.uniform(0.1, min(2**failures, MAX_BACKOFF_SECONDS))  # noqa: S311 jitter
                if failures == 1:
                    log.warning("an outage is waited out", loop=self._name, reason=f"{type(error).__name__}: {error}")
            else:
                if failures:
                    log.info("the outage is over", loop=self._name, failed_steps=failures)
                failures = 0
            if seconds > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._woken.wait()
