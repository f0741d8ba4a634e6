"""Many callers share one call, a lone one does not wait, and each gets its own result."""

import asyncio
from collections.abc import Sequence

import pytest

from sender_worker.batching import Batcher


class Doubling:
    """A call that takes a while and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.running = 0

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.running += 1
        assert self.running == 1, "one call at a time"
        self.batches.append(list(items))
        await asyncio.sleep(0.01)
        self.running -= 1
        if -1 in items:
            msg = "no"
            raise ValueError(msg)
        return [2 * item for item in items]


async def test_everybody_gets_the_result_of_their_own_item() -> None:
    call = Doubling()
    batcher = Batcher(call, size=7)
    assert await asyncio.gather(*(batcher.submit(n) for n in range(100))) == [2 * n for n in range(100)]
    assert [len(batch) for batch in call.batches] == [7] * 14 + [2]


async def test_a_lone_item_does_not_wait_for_company() -> None:
    call = Doubling()
    batcher = Batcher(call, size=1000)
    async with asyncio.timeout(0.5):
        assert await batcher.submit(1) == 2
    assert call.batches == [[1]]


async def test_what_arrives_during_a_call_makes_up_the_next() -> None:
    call = Doubling()
    batcher = Batcher(call, size=1000)
    first = asyncio.create_task(batcher.submit(1))
    await asyncio.sleep(0.005)
    rest = [asyncio.create_task(batcher.submit(n)) for n in (2, 3, 4)]
    await asyncio.gather(first, *rest)
    assert call.batches == [[1], [2, 3, 4]]


async def test_a_failure_reaches_those_of_its_batch_and_no_others() -> None:
    batcher = Batcher(Doubling(), size=2)
    results = await asyncio.gather(*(batcher.submit(n) for n in (1, -1, 3, 4)), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, ValueError, int, int]
    assert await batcher.submit(5) == 10


async def test_a_caller_who_gives_up_holds_nobody_up() -> None:
    batcher = Batcher(Doubling(), size=10)
    impatient = asyncio.create_task(batcher.submit(1))
    patient = asyncio.create_task(batcher.submit(2))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert await patient == 4
