"""One background task: a step that is repeated, measured, and tried again with backoff after an error."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import Counter, Gauge

from leopard.runtime import ending
from leopard.runtime.backoff import full_jitter
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

Step = Callable[[], Awaitable[float]]
"""Does one piece of work; returns how many seconds to rest before the next."""

BACKGROUND_FAILURES: Final = Counter(
    "leopard_background_failures_total", "Unexpected errors in background tasks.", ["task"]
)
LAST_SUCCESS: Final = Gauge(
    "leopard_background_last_success_timestamp_seconds", "When a background task last finished a step.", ["task"]
)

OUTAGE_LOG_SECONDS: Final = 15.0
"""A task that waits for a store for a shorter time is not worth a line: the store's monitor says that it is missing."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a failing step is tolerated; all times in seconds."""

    unready_seconds: float = 15
    """A step that has failed for so long makes the service not ready."""
    slow_seconds: float = 60
    """A step that is under way for so long makes the service not ready."""
    end_seconds: float = 180
    """A step that has failed for so long ends the process, and so does one that goes on for so long."""
    step_seconds: float = 120
    """A step that takes longer has failed, and is cancelled."""


@dataclass(frozen=True, slots=True)
class Outages:
    """What is the fault of a store and not of this process."""

    errors: tuple[type[Exception], ...] = ()
    """What is raised while a store is away."""
    problems: Sequence[Callable[[], str | None]] = ()
    """Why a store cannot be used at this moment: a step that takes too long meanwhile waits for the store."""
    logged: tuple[type[Exception], ...] = ()
    """Those of the errors that are logged where they are raised."""

    def present(self) -> bool:
        """Whether a store cannot be used at this moment."""
        return any(problem() is not None for problem in self.problems)


class BackgroundTask:
    """One step, repeated until it is stopped. The supervisor makes these."""

    def __init__(self, name: str, step: Step, *, patience: Patience, outages: Outages, cut_short: bool) -> None:
        self.name = name
        self.cut_short = cut_short
        self._step = step
        self._patience = patience
        self._outages = outages
        self._woken = asyncio.Event()
        self._stopping = False
        self._running: asyncio.Task[None] | None = None
        self._due: float | None = None
        self._failures = 0
        self._failing_since: float | None = None
        self._broken_seconds = 0.0
        self._broken_counted_to: float | None = None
        self._logged: set[type[BaseException]] = set()
        BACKGROUND_FAILURES.labels(name)

    @property
    def failing_seconds(self) -> float:
        """How long the step has failed without a success in between, outages included; 0 where it has not."""
        return 0 if self._failing_since is None else time.monotonic() - self._failing_since

    @property
    def overdue_seconds(self) -> float:
        """How long a step has been under way, or how long one should have begun; 0 while it rests."""
        return 0 if self._due is None else max(time.monotonic() - self._due, 0)

    def wake(self) -> None:
        """End the rest that is under way, if one is."""
        self._woken.set()

    def start(self) -> None:
        """Begin to repeat the step."""
        self._due = time.monotonic()
        self._running = asyncio.create_task(self._run(), name=f"leopard: {self.name}")
        self._running.add_done_callback(self._ended)

    def stop(self) -> "asyncio.Task[None] | None":
        """End after the step that is under way; what to wait for, null where nothing runs."""
        self._stopping = True
        self._woken.set()
        return self._running

    async def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            self._due = time.monotonic()
            seconds = await self._once(self._due)
            self._due = time.monotonic() + seconds
            if seconds > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._woken.wait()

    async def _once(self, begun: float) -> float:
        bound = asyncio.timeout(self._patience.step_seconds)
        try:
            async with bound:
                seconds = await self._step()
        except asyncio.CancelledError as error:
            running = asyncio.current_task()
            if self._stopping or (running is not None and running.cancelling()):
                raise
            # a library cancelled what we waited for, not us
            return self._failed(error, begun)
        except Exception as error:  # noqa: BLE001 what it is cannot be known; it is logged and counted
            outage = self._outages.present() if bound.expired() else isinstance(error, self._outages.errors)
            return self._waited(error, begun) if outage else self._failed(error, begun)
        if self._logged:
            log.info("background task works again", task=self.name, failed_steps=self._failures)
        self._failures, self._failing_since, self._logged = 0, None, set()
        self._broken_seconds, self._broken_counted_to = 0, None
        LAST_SUCCESS.labels(self.name).set_to_current_time()
        return seconds

    def _waited(self, error: Exception, begun: float) -> float:
        # a new process would not end it; how long it lasts is not counted
        self._count(begun)
        self._broken_counted_to = time.monotonic()
        is_news = type(error) not in self._logged and not isinstance(error, self._outages.logged)
        if is_news and self.failing_seconds > OUTAGE_LOG_SECONDS:
            log.warning("background task waits for a store", task=self.name, reason=f"{type(error).__name__}: {error}")
            self._logged.add(type(error))
        return self._backoff()

    def _failed(self, error: BaseException, begun: float) -> float:
        self._count(begun)
        now = time.monotonic()
        self._broken_seconds += now - (self._broken_counted_to or begun)
        self._broken_counted_to = now
        BACKGROUND_FAILURES.labels(self.name).inc()
        if type(error) not in self._logged:
            log.error("background task failed, retrying", task=self.name, exc_info=error)
            self._logged.add(type(error))
        if self._broken_seconds > self._patience.end_seconds:
            ending.end_process(f"background task {self.name} has failed for {self._broken_seconds:.0f} s")
        return self._backoff()

    def _count(self, begun: float) -> None:
        self._failures += 1
        if self._failing_since is None:
            self._failing_since = begun

    def _backoff(self) -> float:
        return full_jitter(self._failures, base=0.5, maximum=5) + 0.05

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if self._stopping:
            return
        # it broke outside its step, or something else cancelled it; the event loop would say nothing of it
        seconds = 1.0
        try:
            seconds = self._failed(error_of(task) or RuntimeError("ended by itself"), time.monotonic())
        finally:
            self._due = time.monotonic() + seconds
            asyncio.get_running_loop().call_later(seconds, self._restart)

    def _restart(self) -> None:
        if not self._stopping:
            self.start()


def error_of(task: "asyncio.Task[Any]") -> BaseException | None:
    """What a task that is done ended with; null where it did what it should."""
    return asyncio.CancelledError() if task.cancelled() else task.exception()
