"""A lone item is taken at once, many items are taken together, and each is taken exactly once."""

import asyncio
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from sender_worker.batcher import Batcher


async def taken(batcher: Batcher[int], count: int) -> list[list[int]]:
    batches: list[list[int]] = []
    while sum(map(len, batches)) < count:
        if batch := await batcher.next_batch(seconds=1):
            batches.append(batch)
    return batches


@settings(max_examples=50, deadline=None)
@given(
    groups=st.lists(st.integers(0, 25), max_size=8),
    size=st.integers(1, 10),
    linger=st.sampled_from([0.0, 0.001]),
)
def test_every_item_is_taken_once_and_in_order(groups: list[int], size: int, linger: float) -> None:
    async def run() -> list[list[int]]:
        batcher: Batcher[int] = Batcher(size=size, linger_seconds=linger)
        taking = asyncio.create_task(taken(batcher, sum(groups)))
        numbers = iter(range(sum(groups)))
        for group in groups:
            for _ in range(group):
                batcher.add(next(numbers))
            await asyncio.sleep(0)
        return await taking

    batches = asyncio.run(run())
    assert [item for batch in batches for item in batch] == list(range(sum(groups)))
    assert all(0 < len(batch) <= size for batch in batches)


async def test_a_lone_item_is_taken_at_once() -> None:
    batcher: Batcher[int] = Batcher(size=1000, linger_seconds=10)
    started = time.monotonic()
    batcher.add(1)
    assert await batcher.next_batch(seconds=10) == [1]
    assert time.monotonic() - started < 1


async def test_following_items_wait_until_the_batch_is_full() -> None:
    batcher: Batcher[int] = Batcher(size=3, linger_seconds=10)
    batcher.add(1)
    taking = asyncio.create_task(taken(batcher, 4))
    for number in (2, 3, 4):
        await asyncio.sleep(0.01)
        batcher.add(number)
    async with asyncio.timeout(5):
        assert await taking == [[1], [2, 3, 4]]


async def test_following_items_wait_at_most_the_linger_time() -> None:
    batcher: Batcher[int] = Batcher(size=1000, linger_seconds=0.05)
    taking = asyncio.create_task(taken(batcher, 4))
    for number in (1, 2, 3):
        batcher.add(number)
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    batcher.add(4)
    assert await taking == [[1], [2, 3], [4]]


async def test_a_wait_without_items_ends_with_an_empty_batch() -> None:
    batcher: Batcher[int] = Batcher(size=10)
    assert await batcher.next_batch(seconds=0.01) == []
    waiting = asyncio.create_task(batcher.next_batch(seconds=60))
    await asyncio.sleep(0.01)
    batcher.wake()
    async with asyncio.timeout(5):
        assert await waiting == []


async def test_cleared_items_are_not_taken() -> None:
    batcher: Batcher[int] = Batcher(size=10)
    batcher.add(1)
    assert batcher.clear() == [1]
    assert await batcher.next_batch(seconds=0.01) == []
