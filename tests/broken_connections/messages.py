"""A message, and an HTTP sender for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from leopard.domain.statuses import Channel
from leopard.providers.contract import OutgoingMessage
from sender_worker.http_sender import HttpSender

MESSAGE = OutgoingMessage(9001, "1-9001", Channel.SMS, "+254700000000", "Hi")


@asynccontextmanager
async def http_sender(url: str, *, seconds: float = 5.0, connections: int = 10) -> AsyncIterator[HttpSender]:
    """Create an HTTP sender, and close it after the block."""
    provider = HttpSender(url, timeout_seconds=seconds, connections=connections)
    try:
        yield provider
    finally:
        await provider.close()
