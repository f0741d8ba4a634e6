"""Runs a provider simulator and campaign-api in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from aiohttp import web

from campaign_api.main import create_app
from campaign_api.settings import ApiSettings
from provider_simulator.server import Simulator


@asynccontextmanager
async def simulator() -> AsyncIterator[tuple[Simulator, str]]:
    """A provider simulator that accepts everything, and its URL for messages."""
    provider = Simulator()
    provider.behaviour.change(dict.fromkeys(("latency_min_seconds", "latency_max_seconds"), 0))
    runner = web.AppRunner(provider.app(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield provider, f"http://127.0.0.1:{runner.addresses[0][1]}/messages"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def api(database_url: str, amqp_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of campaign-api, which runs in this process."""
    app = create_app(ApiSettings(database_url=database_url, amqp_url=amqp_url))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://leopard") as client,
    ):
        yield client
