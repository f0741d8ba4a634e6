"""The health endpoints of a service: `/health`, `/livez`, `/readyz`, `/metrics`. They ask no store.

All responses come from stored state, so they are fast under any load. `/livez` checks only the process, so an outage
of a store never restarts a healthy process.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_client import make_asgi_app

from leopard import __version__
from leopard.runtime.monitors import Monitor

Problem = Callable[[], str | None]
"""Returns why something does not work, or None if it works. Reads stored state only and never waits."""

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(frozen=True)
class Health:
    """The dependencies of a service, by the names that `/health` shows."""

    services: Mapping[str, Monitor]
    ready: Sequence[Problem]
    """The service is ready when none of these reports a problem."""

    def report(self) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the body of `/health`."""
        problems = {name: monitor.problem() for name, monitor in self.services.items()}
        notes = {name: note for name, monitor in self.services.items() if (note := monitor.note()) is not None}
        healthy = not any(problems.values())
        body: dict[str, Any] = {
            "status": "healthy" if healthy else "unhealthy",
            "services": {
                name: "connected" if problem is None else "disconnected" for name, problem in problems.items()
            },
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "version": __version__,
        }
        if notes:
            body["notes"] = notes
        return (200 if healthy else 503), body

    def readiness(self) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the body of `/readyz`."""
        reasons = [reason for problem in self.ready if (reason := problem()) is not None]
        if reasons:
            return 503, {"status": "not ready", "reasons": reasons}
        return 200, {"status": "ready"}


class Endpoint:
    """A plain ASGI application. It is an object because frameworks treat a function as their kind of handler."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 ASGI's own types
        """Answer a request."""
        await self._app(scope, receive, send)


def health_routes(health: Health) -> list[tuple[str, Endpoint]]:
    """The health and metrics endpoints by path."""

    def livez() -> tuple[int, dict[str, Any]]:
        return 200, {"status": "alive"}

    return [
        ("/health", Endpoint(_json_app(health.report))),
        ("/livez", Endpoint(_json_app(livez))),
        ("/readyz", Endpoint(_json_app(health.readiness))),
        ("/metrics", Endpoint(make_asgi_app())),
    ]


def _json_app(answer: Callable[[], tuple[int, dict[str, Any]]]) -> AsgiApp:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 ASGI's own types
        status, body = answer()
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    return app
