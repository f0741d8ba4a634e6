"""Run all services in this process. Restart a service that ends, as Kubernetes does."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import httpx2
import pytest

import campaign_api.main
import dispatcher.main
import sender_worker.main
from campaign_api.settings import ApiSettings
from dispatcher import maintenance
from dispatcher.settings import DispatcherSettings
from leopard.runtime import ending, supervision
from leopard.runtime.background import BackgroundTask, Patience, Step
from leopard.runtime.supervision import Supervisor
from sender_worker.settings import WorkerSettings

PATIENCE: Final = Patience(unready_seconds=1.5, slow_seconds=3, end_seconds=6, step_seconds=5)
"""Much shorter than in production."""

_CURRENT: ContextVar["Service | None"] = ContextVar("service", default=None)


def current_service() -> str | None:
    """Return the service of the running task."""
    service = _CURRENT.get()
    return None if service is None else service.name


@dataclass
class Service:
    """A service that is restarted when it ends."""

    name: str
    create_app: Callable[[], Any]
    on_start: Callable[[str], None]
    """Called with the name before each start."""
    app: Any = None
    progress: dict[str, float] = field(default_factory=dict)
    """The deadline for the next success of each task, by the monotonic clock."""
    ends: list[str] = field(default_factory=list)
    dead_loops: list[str] = field(default_factory=list)
    """Loops that made no progress while the service was ready."""
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False

    def end(self, reason: str) -> None:
        """Replaces the end of the process."""
        self.ends.append(reason)
        self._ending.set()

    def replace(self) -> None:
        """Shut down gracefully and start again, as during an upgrade."""
        self._ending.set()

    def stop(self) -> None:
        """Shut down without a restart."""
        self._stopping = True
        self._ending.set()

    async def run(self, started: asyncio.Event) -> None:
        """Run and restart the service until it is stopped."""
        _CURRENT.set(self)
        while not self._stopping:
            self.progress.clear()
            self._ending.clear()
            self.on_start(self.name)
            self.app = self.create_app()
            async with self.app.router.lifespan_context(self.app):
                started.set()
                await self._ending.wait()

    async def is_ready(self) -> bool:
        """Whether its readiness probe succeeds."""
        parts: list[dict[str, Any]] = []

        async def send(part: dict[str, Any]) -> None:
            parts.append(part)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request"}

        scope = {"type": "http", "method": "GET", "path": "/readyz", "headers": [], "query_string": b""}
        await self.app(scope, receive, send)
        return bool(parts[0]["status"] == 200) and bool(json.loads(parts[1]["body"]))

    async def check_progress(self) -> None:
        """Record the loops that make no progress while the service is ready."""
        if self._ending.is_set() or not await self.is_ready():
            return
        now = time.monotonic()
        self.dead_loops += [name for name, due in self.progress.items() if now > due]


def watch_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record each success of each step, and shorten the time limits of the supervision."""
    repeat = Supervisor.repeat
    # the maximum delay of the probe: a slow or failing step, and its backoff
    allowed = PATIENCE.slow_seconds + PATIENCE.unready_seconds + 1

    def watched(supervisor: Supervisor, name: str, step: Step, **options: Any) -> BackgroundTask:
        service = _CURRENT.get()
        assert service is not None

        async def recorded() -> float:
            seconds = await step()
            service.progress[name] = time.monotonic() + seconds + allowed
            return seconds

        service.progress[name] = time.monotonic() + allowed
        return repeat(supervisor, name, recorded, **options)

    def end(reason: str) -> None:
        service = _CURRENT.get()
        assert service is not None
        service.end(reason)

    monkeypatch.setattr(Supervisor, "repeat", watched)
    monkeypatch.setattr(supervision, "Patience", lambda: PATIENCE)
    monkeypatch.setattr(ending, "end_process", end)
    monkeypatch.setattr(maintenance, "PRUNE_SECONDS", 0.5)


@dataclass(frozen=True)
class Running:
    """The services, and a client of the API."""

    services: Sequence[Service]
    client: httpx2.AsyncClient

    @property
    def ends(self) -> list[str]:
        """The reasons for which processes would have ended."""
        return [reason for service in self.services for reason in service.ends]

    @property
    def dead_loops(self) -> list[str]:
        """Loops that made no progress while their service was ready."""
        return [f"{service.name}: {name}" for service in self.services for name in service.dead_loops]


@asynccontextmanager
async def all_services(
    database_url: str, amqp_url: str, *, provider_url: str, policy: str, on_start: Callable[[str], None]
) -> AsyncIterator[Running]:
    """Run a campaign-api, a dispatcher and a worker for the length of the block."""
    common = {"database_url": database_url, "amqp_url": amqp_url, "shutdown_seconds": 5}
    claiming = {"lease_seconds": 3, **common}
    working = {
        "provider": "http",
        "http_url": provider_url,
        "http_timeout_seconds": 1,
        "backoff_seconds": 0.2,
        "batch_size": 10,
        "on_unknown_outcome": policy,
    }
    publishing = {"poll_seconds": 0.1, "sweep_seconds": 0.5, "chunk_size": 10}
    apps: dict[str, Callable[[], Any]] = {
        "campaign-api": partial(campaign_api.main.create_app, ApiSettings.model_validate(common)),
        "dispatcher": partial(
            dispatcher.main.create_app, DispatcherSettings.model_validate({**claiming, **publishing})
        ),
        "sender-worker": partial(sender_worker.main.create_app, WorkerSettings.model_validate({**claiming, **working})),
    }
    services = [Service(name, create, on_start) for name, create in apps.items()]
    tasks: list[asyncio.Task[None]] = []
    async with AsyncExitStack() as stack:
        for service in services:
            started = asyncio.Event()
            tasks.append(asyncio.create_task(service.run(started), name=f"tests: {service.name}"))
            await _wait_until_started(started, tasks[-1])
        watching = asyncio.create_task(_watch(services), name="tests: watch")
        stack.callback(watching.cancel)

        async def call_api(scope: Any, receive: Any, send: Any) -> None:
            await services[0].app(scope, receive, send)

        client = httpx2.AsyncClient(transport=httpx2.ASGITransport(call_api), base_url="http://api")
        yield Running(services, await stack.enter_async_context(client))
        assert not watching.done(), watching.exception()
    for service in services:
        service.stop()
    await asyncio.gather(*tasks)


async def _wait_until_started(started: asyncio.Event, task: "asyncio.Task[None]") -> None:
    waiting: asyncio.Future[Any] = asyncio.ensure_future(started.wait())
    await asyncio.wait([waiting, task], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        await task


async def _watch(services: Sequence[Service]) -> None:
    while True:
        await asyncio.sleep(0.1)
        for service in services:
            await service.check_progress()
