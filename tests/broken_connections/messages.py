"""A message, and a provider to hand it to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from leopard.domain.statuses import Channel
from leopard.providers.contract import OutgoingMessage
from sender_worker.http_sender import HttpSender

MESSAGE = OutgoingMessage(9001, "1-9001", Channel.SMS, "+254700000000", "Hi")


@asynccontextmanager
async def provider_at(url: str, *, seconds: float = 5.0, connections: int = 10) -> AsyncIterator[HttpSender]:
    """The http provider, closed in the end."""
    provider = HttpSender(url, timeout_seconds=seconds, connections=connections)
    try:
        yield provider
    finally:
        await provider.close()
