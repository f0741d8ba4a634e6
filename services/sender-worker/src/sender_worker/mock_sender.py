"""The mock provider: waits, then accepts or refuses at random. Opens no socket."""

import asyncio
import random
import sys

from leopard.providers.contract import Accepted, OutgoingMessage, Refused, SendOutcome


class MockSender:
    """Answers after a random time, and refuses a random share of messages temporarily."""

    def __init__(self, *, latency_seconds: tuple[float, float], success_rate: float, seed: int | None = None) -> None:
        self._latency_seconds = latency_seconds
        self._success_rate = success_rate
        self._random = random.Random(seed)  # noqa: S311 a simulation, no secrets

    @property
    def name(self) -> str:
        """Always the same."""
        return "mock"

    @property
    def account(self) -> str:
        """Always the same: there is only one mock account."""
        return "mock"

    @property
    def capacity(self) -> int:
        """Unlimited."""
        return sys.maxsize

    async def send(self, message: OutgoingMessage) -> SendOutcome:  # noqa: ARG002 the message does not matter
        """Wait a random time, then accept or refuse."""
        seconds = self._random.uniform(*self._latency_seconds)
        accepts = self._random.random() < self._success_rate
        if seconds > 0:
            await asyncio.sleep(seconds)
        return Accepted() if accepts else Refused("the mock provider refused", permanent=False)

    async def close(self) -> None:
        """Nothing to close."""
