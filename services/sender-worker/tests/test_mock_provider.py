"""The mock provider behaves as specified."""

import asyncio
import time

from leopard.domain.statuses import Channel
from leopard.providers.contract import Accepted, OutgoingMessage
from sender_worker.mock_sender import MockSender

MESSAGE = OutgoingMessage(1, "1-1", Channel.SMS, "+254700000000", "Hi")


async def outcomes(*, success_rate: float, seed: int | None = 1) -> list[bool]:
    provider = MockSender(latency_seconds=(0, 0), success_rate=success_rate, seed=seed)
    return [isinstance(await provider.send(MESSAGE), Accepted) for _ in range(2000)]


async def test_the_mock_accepts_the_configured_share() -> None:
    assert all(await outcomes(success_rate=1))
    assert not any(await outcomes(success_rate=0))
    assert 0.93 < sum(await outcomes(success_rate=0.95)) / 2000 < 0.97


async def test_the_same_seed_gives_the_same_outcomes() -> None:
    assert await outcomes(success_rate=0.5, seed=7) == await outcomes(success_rate=0.5, seed=7)
    assert await outcomes(success_rate=0.5, seed=7) != await outcomes(success_rate=0.5, seed=8)


async def test_the_mock_waits_and_handles_many_messages_concurrently() -> None:
    provider = MockSender(latency_seconds=(0.05, 0.2), success_rate=1, seed=1)
    started = time.monotonic()
    await asyncio.gather(*(provider.send(MESSAGE) for _ in range(200)))
    assert 0.05 <= time.monotonic() - started < 2
