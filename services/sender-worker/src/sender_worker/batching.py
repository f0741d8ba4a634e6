"""Batches: items are added one at a time and taken many at a time.

A lone item goes at once. Under load batches follow each other by a few milliseconds, unless they are full: a statement
for a hundred messages costs PostgreSQL and the worker little more than a statement for five.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

LINGER_SECONDS: Final = 0.02
"""The least time between a batch and the next, where that one is not full."""


class Gathering(Generic[Item]):
    """Items that wait to be taken, in batches of up to `size`, by one who iterates over it."""

    def __init__(self, *, size: int, linger_seconds: float = LINGER_SECONDS) -> None:
        self._size = size
        self._linger_seconds = linger_seconds
        self._items: list[Item] = []
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._closed = False

    def add(self, item: Item) -> None:
        """Let an item wait for the next batch."""
        self._items.append(item)
        self._some.set()
        if len(self._items) >= self._size:
            self._enough.set()

    def close(self) -> None:
        """End the iteration once all that waits is taken."""
        self._closed = True
        self._some.set()
        self._enough.set()

    def clear(self) -> None:
        """Forget what waits."""
        self._items.clear()

    async def __aiter__(self) -> AsyncIterator[list[Item]]:
        """Batches, none of them empty, until it is closed."""
        loop = asyncio.get_running_loop()
        next_at = 0.0
        while True:
            await self._some.wait()
            if not self._enough.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(max(next_at, loop.time())):
                        await self._enough.wait()
            next_at = loop.time() + self._linger_seconds
            batch, self._items = self._items[: self._size], self._items[self._size :]
            if not self._closed:
                if not self._items:
                    self._some.clear()
                if len(self._items) < self._size:
                    self._enough.clear()
            if batch:
                yield batch
            elif self._closed:
                return
