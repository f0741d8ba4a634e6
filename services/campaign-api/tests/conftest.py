"""campaign-api with a database for each test: as an application in this process, or as a real server process."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

from campaign_api.main import create_app
from campaign_api.settings import ApiSettings
from running_api import Service, start_api

UNAVAILABLE_BROKER = "amqp://guest:guest@127.0.0.1:1/"


@pytest_asyncio.fixture
async def app(database_url: str) -> FastAPI:
    """The application. Its broker is unavailable, because no request may depend on it."""
    return create_app(ApiSettings(database_url=database_url, amqp_url=UNAVAILABLE_BROKER, chunk_size=1000))


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the running application."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        yield await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://leopard"))


@pytest.fixture
def serve(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """A function that starts campaign-api as a process, with settings by their names."""
    started: list[Service] = []

    def start(**settings: object) -> Service:
        started.append(start_api(database_url, UNAVAILABLE_BROKER, tmp_path, **settings))
        return started[-1]

    yield start
    for service in started:
        service.process.kill()
        service.process.wait()


@pytest.fixture
def service(serve: Callable[..., Service]) -> Service:
    """A running campaign-api with the default settings."""
    return serve()
