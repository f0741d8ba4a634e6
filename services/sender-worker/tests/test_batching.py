"""A lone item goes at once, many go together, and none is forgotten or taken twice."""

import asyncio
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from sender_worker.batching import Gathering


async def taken(gathering: Gathering[int]) -> list[list[int]]:
    return [batch async for batch in gathering]


@settings(max_examples=50, deadline=None)
@given(
    groups=st.lists(st.integers(0, 25), max_size=8),
    size=st.integers(1, 10),
    linger=st.sampled_from([0.0, 0.001]),
)
def test_every_item_is_taken_once_and_in_its_turn(groups: list[int], size: int, linger: float) -> None:
    async def run() -> list[list[int]]:
        gathering: Gathering[int] = Gathering(size=size, linger_seconds=linger)
        taking = asyncio.create_task(taken(gathering))
        numbers = iter(range(sum(groups)))
        for group in groups:
            for _ in range(group):
                gathering.add(next(numbers))
            await asyncio.sleep(0)
        gathering.close()
        return await taking

    batches = asyncio.run(run())
    assert [item for batch in batches for item in batch] == list(range(sum(groups)))
    assert all(0 < len(batch) <= size for batch in batches)


async def test_a_lone_item_does_not_wait_for_company() -> None:
    gathering: Gathering[int] = Gathering(size=1000, linger_seconds=10)
    started = time.monotonic()
    gathering.add(1)
    async for batch in gathering:
        assert batch == [1]
        break
    assert time.monotonic() - started < 1


async def test_what_follows_at_once_lingers_until_there_are_enough() -> None:
    gathering: Gathering[int] = Gathering(size=3, linger_seconds=10)
    gathering.add(1)
    taking = asyncio.create_task(taken(gathering))
    for number in (2, 3, 4):
        await asyncio.sleep(0.01)
        gathering.add(number)
    async with asyncio.timeout(5):
        await asyncio.sleep(0.01)
        gathering.close()
        assert await taking == [[1], [2, 3, 4]]


async def test_what_follows_at_once_does_not_linger_for_long() -> None:
    gathering: Gathering[int] = Gathering(size=1000, linger_seconds=0.05)
    taking = asyncio.create_task(taken(gathering))
    for number in (1, 2, 3):
        gathering.add(number)
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    gathering.add(4)
    await asyncio.sleep(0.01)
    gathering.close()
    assert await taking == [[1], [2, 3], [4]]


async def test_what_is_cleared_is_not_taken() -> None:
    gathering: Gathering[int] = Gathering(size=10)
    gathering.add(1)
    gathering.clear()
    gathering.close()
    assert await taken(gathering) == []
