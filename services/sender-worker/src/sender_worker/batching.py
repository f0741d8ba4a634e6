"""Batches: many callers, each with one item, share one call.

The first item of an idle batcher goes at once; what arrives while a call is under way makes up the next one. So a lone
item never waits for company, and under load the batches grow by themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Gathers items and hands them, up to `size` at a time, to `call`, which gives a result for each."""

    def __init__(self, call: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, size: int) -> None:
        self._call = call
        self._size = size
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Add an item to the next batch and wait for its result.

        Raises:
            Exception: Whatever the call for its batch raised.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        # one turn of the loop lets all that arrived together come along
        await asyncio.sleep(0)
        while self._waiting:
            batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
            try:
                results = await self._call([item for item, _ in batch])
            except BaseException as error:
                _settle(batch, lambda future, _index, error=error: future.set_exception(error))
                if not isinstance(error, Exception):
                    self._running = None
                    raise
            else:
                _settle(batch, lambda future, index, results=results: future.set_result(results[index]))
        self._running = None


def _settle(batch: Sequence[tuple[object, asyncio.Future[Result]]], settle: Callable[..., None]) -> None:
    for index, (_, future) in enumerate(batch):
        if not future.done():
            settle(future, index)
