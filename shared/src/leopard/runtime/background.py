"""One background task: repeats a step, measures it, and retries it with backoff after an error."""

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
"""A task logs that it waits for a store only after this time. The store's monitor logs shorter outages."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a failing step is tolerated. All times are in seconds."""

    unready_seconds: float = 15
    """A step that keeps failing for this time makes the service not ready."""
    slow_seconds: float = 60
    """A step that runs for this time makes the service not ready."""
    end_seconds: float = 180
    """A step that keeps failing, or keeps running, for this time ends the process."""
    step_seconds: float = 120
    """A step that takes longer is cancelled and counts as failed."""


@dataclass(frozen=True, slots=True)
class Outages:
    """Which errors are the fault of a store and not of this process."""

    errors: tuple[type[Exception], ...] = ()
    """Errors that are raised while a store is unavailable."""
    problems: Sequence[Callable[[], str | None]] = ()
    """Report why a store is unavailable now. A step that times out meanwhile was waiting for the store."""
    logged: tuple[type[Exception], ...] = ()
    """Errors that are already logged where they are raised."""

    def present(self) -> bool:
        """Whether a store is unavailable now."""
        return any(problem() is not None for problem in self.problems)


class BackgroundTask:
    """One step, repeated until it is stopped. The supervisor creates these tasks."""

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
        """How long the step has failed without a success, including outages; 0 if it did not fail."""
        return 0 if self._failing_since is None else time.monotonic() - self._failing_since

    @property
    def overdue_seconds(self) -> float:
        """How long a step has been running, or how late its start is; 0 while the task rests."""
        return 0 if self._due is None else max(time.monotonic() - self._due, 0)

    def wake(self) -> None:
        """Start the next step now if the task rests."""
        self._woken.set()

    def start(self) -> None:
        """Start to repeat the step."""
        self._due = time.monotonic()
        self._running = asyncio.create_task(self._run(), name=f"leopard: {self.name}")
        self._running.add_done_callback(self._ended)

    def stop(self) -> "asyncio.Task[None] | None":
        """Stop after the current step. Returns the asyncio task to wait for, or None if nothing runs."""
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
            # a library cancelled the awaited call; this task itself was not cancelled
            return self._failed(error, begun)
        except Exception as error:  # noqa: BLE001 any error is possible; it is logged and counted
            outage = self._outages.present() if bound.expired() else isinstance(error, self._outages.errors)
            return self._waited(error, begun) if outage else self._failed(error, begun)
        if self._logged:
            log.info("background task works again", task=self.name, failed_steps=self._failures)
        self._failures, self._failing_since, self._logged = 0, None, set()
        self._broken_seconds, self._broken_counted_to = 0, None
        LAST_SUCCESS.labels(self.name).set_to_current_time()
        return seconds

    def _waited(self, error: Exception, begun: float) -> float:
        # a new process would not end an outage, so its duration is not counted as failure
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
        # the task failed outside its step, or other code cancelled it; asyncio would not log this
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
    """The error that ended a finished task; None if it succeeded."""
    return asyncio.CancelledError() if task.cancelled() else task.exception()
