"""Background tasks that are watched: repeated, measured, tried again after an error, and never silently dead.

A step that fails is tried again with backoff. One that keeps failing makes the service not ready, and in the end it
ends the process with status 1, so that the platform starts a fresh one. An outage of a store is no fault of the
process: it is waited for.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from prometheus_client import Counter, Gauge

from leopard.backoff import full_jitter
from leopard.ending import end_process
from leopard.logs import get_logger

log = get_logger(__name__)

Step = Callable[[], Awaitable[float]]
"""Does one piece of work; returns how many seconds to rest before the next."""

BACKGROUND_FAILURES: Final = Counter(
    "leopard_background_failures_total", "Steps of background tasks that raised an unexpected error.", ["task"]
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
    end_seconds: float = 180
    """A step that has failed for so long ends the process."""
    step_seconds: float = 120
    """A step that takes longer has failed."""


class BackgroundTask:
    """One step, repeated until it is stopped. The supervisor makes these."""

    def __init__(
        self, name: str, step: Step, *, patience: Patience, outages: tuple[type[Exception], ...], bounded: bool
    ) -> None:
        self.name = name
        self._step = step
        self._patience = patience
        self._outages = outages
        self._step_seconds = patience.step_seconds if bounded else None
        self._bounded = bounded
        self._woken = asyncio.Event()
        self._stopping = False
        self._running: asyncio.Task[None] | None = None
        self._failures = 0
        self._failing_since: float | None = None
        self._broken_since: float | None = None
        self._logged: type[BaseException] | None = None
        BACKGROUND_FAILURES.labels(name)

    @property
    def failing_seconds(self) -> float:
        """How long the step has failed without a success in between, outages included; 0 where it has not."""
        return 0 if self._failing_since is None else time.monotonic() - self._failing_since

    def wake(self) -> None:
        """End the rest that is under way, if one is."""
        self._woken.set()

    def start(self) -> None:
        """Begin to repeat the step."""
        self._running = asyncio.create_task(self._run(), name=f"leopard: {self.name}")
        self._running.add_done_callback(self._ended)

    def stop(self) -> None:
        """End after the step that is under way."""
        self._stopping = True
        self._woken.set()

    async def join(self, seconds: float) -> None:
        """Wait until it has ended; cancel it where that takes longer."""
        self.stop()
        task = self._running
        if task is None:
            return
        # a step without a bound waits for something that may never come
        _, late = await asyncio.wait([task], timeout=max(seconds, 0) if self._bounded else 0.1)
        if late and self._bounded:
            log.warning("background task did not end in time and is cancelled", task=self.name)
        if late:
            task.cancel()
            await asyncio.wait([task], timeout=5)

    async def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            seconds = await self._once()
            if seconds > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._woken.wait()

    async def _once(self) -> float:
        bound = asyncio.timeout(self._step_seconds)
        try:
            async with bound:
                seconds = await self._step()
        except self._outages as error:
            return self._failed(error) if bound.expired() else self._waited(error)
        except asyncio.CancelledError as error:
            running = asyncio.current_task()
            if self._stopping or (running is not None and running.cancelling()):
                raise
            # a library cancelled what we waited for, not us
            return self._failed(error)
        except Exception as error:  # noqa: BLE001 what it is cannot be known; it is logged and counted
            return self._failed(error)
        if self._logged is not None:
            log.info("background task works again", task=self.name, failed_steps=self._failures)
        self._failures, self._failing_since, self._broken_since, self._logged = 0, None, None, None
        LAST_SUCCESS.labels(self.name).set_to_current_time()
        return seconds

    def _waited(self, error: Exception) -> float:
        # an outage is the store's fault: a new process would not end it
        self._count()
        if self._logged is None and self.failing_seconds > OUTAGE_LOG_SECONDS:
            log.warning("background task waits for a store", task=self.name, reason=f"{type(error).__name__}: {error}")
            self._logged = type(error)
        self._broken_since = None
        return full_jitter(self._failures, base=0.5, maximum=5) + 0.05

    def _failed(self, error: BaseException) -> float:
        self._count()
        if self._broken_since is None:
            self._broken_since = time.monotonic()
        BACKGROUND_FAILURES.labels(self.name).inc()
        if self._logged is not type(error):
            log.error("background task failed, retrying", task=self.name, exc_info=error)
            self._logged = type(error)
        broken_seconds = time.monotonic() - self._broken_since
        if broken_seconds > self._patience.end_seconds:
            end_process(f"background task {self.name} has failed for {broken_seconds:.0f} s")
        return full_jitter(self._failures, base=0.5, maximum=5) + 0.05

    def _count(self) -> None:
        self._failures += 1
        if self._failing_since is None:
            self._failing_since = time.monotonic()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if self._stopping:
            return
        # it broke outside its step, or something else cancelled it; the event loop would say nothing of it
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        seconds = self._failed(error or RuntimeError("ended by itself"))
        asyncio.get_running_loop().call_later(seconds, self._restart)

    def _restart(self) -> None:
        if not self._stopping:
            self.start()


class Supervisor:
    """The background tasks of a process."""

    def __init__(self, *, outages: tuple[type[Exception], ...] = (), patience: Patience | None = None) -> None:
        self._outages = outages
        self._patience = patience or Patience()
        self._tasks: list[BackgroundTask] = []

    def repeat(self, name: str, step: Step, *, bounded: bool = True) -> BackgroundTask:
        """Have a step repeated from `start` on.

        Args:
            name: What logs and metrics call it.
            step: What is repeated.
            bounded: Whether a step that takes long has failed; not so for one that must not be cancelled.
        """
        task = BackgroundTask(name, step, patience=self._patience, outages=self._outages, bounded=bounded)
        self._tasks.append(task)
        return task

    def start(self) -> None:
        """Start every task."""
        for task in self._tasks:
            task.start()

    async def stop(self, seconds: float) -> None:
        """End every task after its step; those that take longer than `seconds` together are cancelled."""
        for task in self._tasks:
            task.stop()
        deadline = time.monotonic() + seconds
        for task in self._tasks:
            await task.join(deadline - time.monotonic())

    def not_ready(self) -> str | None:
        """Why the service is not ready: which tasks keep failing; null where none does."""
        failing = [task.name for task in self._tasks if task.failing_seconds > self._patience.unready_seconds]
        return f"failing: {', '.join(failing)}" if failing else None
