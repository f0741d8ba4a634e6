"""What a service says of itself: `/health`, `/livez`, `/readyz`.

`/livez` looks at nothing but the process, so that an outage elsewhere never gets a healthy process restarted.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from prometheus_client import make_asgi_app

from leopard import __version__
from leopard.db.pool import Pool
from leopard.db.schema import schema_is_current

Check = Callable[[], Awaitable[None]]
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

CHECK_SECONDS: Final = 1.8
"""A check that takes longer counts as down; together with the answer it stays within two seconds."""


@dataclass(frozen=True)
class Health:
    """The dependencies of a service, by the names that `/health` shows."""

    services: Mapping[str, Check]
    ready: tuple[Check, ...]
    """What must hold before the service can take work."""

    async def report(self) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the body of `/health`."""
        held = await asyncio.gather(*(_holds(check) for check in self.services.values()))
        healthy = all(held)
        return (200 if healthy else 503), {
            "status": "healthy" if healthy else "unhealthy",
            "services": {
                name: "connected" if up else "disconnected" for name, up in zip(self.services, held, strict=True)
            },
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "version": __version__,
        }

    async def readiness(self) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the body of `/readyz`."""
        ready = all(await asyncio.gather(*(_holds(check) for check in self.ready)))
        return (200 if ready else 503), {"status": "ready" if ready else "not ready"}


async def _holds(check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception:  # noqa: BLE001 whatever a check raises, it does not hold
        return False
    return True


def database_check(pool: Pool) -> Check:
    """A check that asks PostgreSQL for an answer over a connection of the pool."""

    async def check() -> None:
        async with pool.connection(timeout=CHECK_SECONDS) as connection:
            await connection.execute("SELECT 1")

    return check


def schema_check(pool: Pool) -> Check:
    """A check that the migrations which this version needs have run."""

    async def check() -> None:
        async with pool.connection(timeout=CHECK_SECONDS) as connection:
            if not await schema_is_current(connection):
                msg = "the schema is older than the code; run: leopard migrate"
                raise RuntimeError(msg)

    return check


class Endpoint:
    """A plain ASGI application; an object, since frameworks take a bare function for a handler of their own kind."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 ASGI's own types
        """Answer a request."""
        await self._app(scope, receive, send)


def health_routes(health: Health) -> list[tuple[str, Endpoint]]:
    """The health and metrics endpoints by path."""

    async def livez() -> tuple[int, dict[str, Any]]:
        return 200, {"status": "alive"}

    return [
        ("/health", Endpoint(_json_app(health.report))),
        ("/livez", Endpoint(_json_app(livez))),
        ("/readyz", Endpoint(_json_app(health.readiness))),
        ("/metrics", Endpoint(make_asgi_app())),
    ]


def _json_app(answer: Callable[[], Awaitable[tuple[int, dict[str, Any]]]]) -> AsgiApp:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 ASGI's own types
        status, body = await answer()
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    return app
