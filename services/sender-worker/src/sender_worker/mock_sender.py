"""A provider that brings nothing anywhere: it waits, and accepts most of what it is given."""

import asyncio
import random
import sys

from leopard.providers.contract import Accepted, OutgoingMessage, Refused, SendOutcome


class MockSender:
    """Answers after a random time, and refuses a random share for the time being."""

    def __init__(self, *, latency_seconds: tuple[float, float], success_rate: float, seed: int | None = None) -> None:
        self._latency_seconds = latency_seconds
        self._success_rate = success_rate
        self._random = random.Random(seed)  # noqa: S311 luck, not secrets

    @property
    def name(self) -> str:
        """Always the same."""
        return "mock"

    @property
    def account(self) -> str:
        """There is only one."""
        return "mock"

    @property
    def capacity(self) -> int:
        """There is no end to it."""
        return sys.maxsize

    async def send(self, message: OutgoingMessage) -> SendOutcome:  # noqa: ARG002 it treats all alike
        """Wait a while and accept, or refuse."""
        seconds = self._random.uniform(*self._latency_seconds)
        lucky = self._random.random() < self._success_rate
        if seconds > 0:
            await asyncio.sleep(seconds)
        return Accepted() if lucky else Refused("the mock provider refused", permanent=False)

    async def close(self) -> None:
        """Nothing is held."""
