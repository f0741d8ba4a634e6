"""A service whose only step always fails; `test_ending.py` runs it as a process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route

from leopard.runtime.background import Patience
from leopard.runtime.health import Health, health_routes
from leopard.runtime.serving import serve
from leopard.runtime.supervision import Supervisor
from leopard.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings with a file that the service writes after a graceful shutdown."""

    ended: Path


async def step() -> float:
    """Fail."""
    raise LookupError


def create_app(settings: Settings) -> Starlette:
    """The application."""
    supervisor = Supervisor(patience=Patience(unready_seconds=0.2, end_seconds=3))
    supervisor.repeat("step that fails", step)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        supervisor.start()
        yield
        await supervisor.stop(1)
        settings.ended.write_text("in order")

    health = Health(services={}, ready=(supervisor.not_ready,))
    return Starlette(routes=[Route(path, endpoint) for path, endpoint in health_routes(health)], lifespan=lifespan)


if __name__ == "__main__":
    serve("failing-service", Settings, create_app)
