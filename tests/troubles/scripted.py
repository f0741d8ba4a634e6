"""A provider with answers set by a test. It records every accepted message."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[], web.Response]


def accepted() -> web.Response:
    """Accept a message."""
    return web.Response(status=202)


@dataclass
class ScriptedProvider:
    """Gives the configured answer. A 2xx accepts the message."""

    answer: Answer = accepted
    latency_seconds: float = 0.0
    accepted: Counter[int] = field(default_factory=Counter)
    keys: dict[int, set[str]] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    in_flight: int = 0
    max_in_flight: int = 0
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """URL that accepts messages."""
        return f"http://127.0.0.1:{self.port}/messages"

    async def open(self) -> None:
        """Start to listen, on the same port as before."""
        app = web.Application()
        app.router.add_post("/messages", self._receive)
        app.router.add_get("/ok", self._ok)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop to listen, so that connections are refused."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _ok(self, _request: web.Request) -> web.Response:
        return web.Response(text="a page that accepts no message")

    async def _receive(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        await asyncio.sleep(self.latency_seconds)
        self.in_flight -= 1
        response = self.answer()
        self.statuses[response.status] += 1
        message_id = body["message_id"]
        self.keys.setdefault(message_id, set()).add(request.headers["Idempotency-Key"])
        if response.status < 300:
            self.accepted[message_id] += 1
            self.texts[message_id] = body["text"]
        return response


@asynccontextmanager
async def scripted_provider() -> AsyncIterator[ScriptedProvider]:
    """Run a scripted provider for the length of the block."""
    provider = ScriptedProvider()
    await provider.open()
    try:
        yield provider
    finally:
        await provider.close()
