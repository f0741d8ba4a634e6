"""Batches: items are added one at a time and taken many at a time. Knows no database and no broker.

A lone item is taken at once. Under load, batches that are not full are a few milliseconds apart: a statement for a
hundred messages costs PostgreSQL and the worker little more than a statement for five.
"""

import asyncio
import contextlib
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

LINGER_SECONDS: Final = 0.02
"""The minimum time between two batches, if the second one is not full."""


class Batcher(Generic[Item]):
    """Items that wait to be taken, in batches of up to `size`."""

    def __init__(self, *, size: int, linger_seconds: float = LINGER_SECONDS) -> None:
        self._size = size
        self._linger_seconds = linger_seconds
        self._items: list[Item] = []
        self._has_items = asyncio.Event()
        self._batch_full = asyncio.Event()
        self._next_at = 0.0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def waiting(self) -> list[Item]:
        """The items that wait, oldest first; a copy."""
        return list(self._items)

    def add(self, item: Item) -> None:
        """Add an item for the next batch."""
        self._items.append(item)
        self._has_items.set()
        if len(self._items) >= self._size:
            self._batch_full.set()

    def wake(self) -> None:
        """End a current wait for items."""
        self._has_items.set()
        self._batch_full.set()

    def clear(self) -> list[Item]:
        """Remove and return all waiting items."""
        items, self._items = self._items, []
        return items

    async def next_batch(self, *, seconds: float) -> list[Item]:
        """The next batch; empty if no item came within `seconds`, or if `wake` ended the wait."""
        loop = asyncio.get_running_loop()
        if not self._items:
            self._has_items.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._has_items.wait()
        if len(self._items) < self._size and self._next_at > loop.time():
            self._batch_full.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._next_at):
                    await self._batch_full.wait()
        self._next_at = loop.time() + self._linger_seconds
        batch, self._items = self._items[: self._size], self._items[self._size :]
        return batch
