"""The API, in this process, on a database of the test's own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest_asyncio
from fastapi import FastAPI

from campaign_api.main import create_app
from campaign_api.settings import ApiSettings

AWAY = "amqp://guest:guest@127.0.0.1:1/"


@pytest_asyncio.fixture
async def app(database_url: str) -> FastAPI:
    """The application; its broker is away, which no request may notice."""
    return create_app(ApiSettings(database_url=database_url, amqp_url=AWAY, chunk_size=1000))


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running application."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        yield await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://leopard"))
