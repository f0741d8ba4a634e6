"""Supervision of background tasks: no task dies silently.

A task that keeps failing, or makes no progress, makes the service not ready. Later it ends the process with status 1,
so that the platform starts a new one. An outage of a store never ends the process: tasks wait for the store.
"""

import asyncio
from collections.abc import Collection
from typing import Final

from leopard.runtime import ending
from leopard.runtime.background import BackgroundTask, Outages, Patience, Step
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

_CANCEL_SECONDS: Final = 5.0
"""How long cancelled tasks may take to end."""
_WATCH_SECONDS: Final = 5.0


class Supervisor:
    """The background tasks of a process."""

    def __init__(self, *, outages: Outages | None = None, patience: Patience | None = None) -> None:
        self._outages = outages or Outages()
        self._patience = patience or Patience()
        self._tasks: list[BackgroundTask] = []
        self._watching: asyncio.TimerHandle | None = None

    def repeat(self, name: str, step: Step, *, cut_short: bool = False) -> BackgroundTask:
        """Register a step. It is repeated after `start`.

        Args:
            name: The name in logs and metrics.
            step: The step to repeat.
            cut_short: Whether `stop` cancels it at once, because its step may wait forever.
        """
        task = BackgroundTask(name, step, patience=self._patience, outages=self._outages, cut_short=cut_short)
        self._tasks.append(task)
        return task

    def start(self) -> None:
        """Start every task."""
        for task in self._tasks:
            task.start()
        self._watch()

    async def stop(self, seconds: float) -> None:
        """Stop every task after its current step. After `seconds`, cancel all that still run."""
        if self._watching is not None:
            self._watching.cancel()
        running = {one: task for task in self._tasks if (one := task.stop()) is not None}
        for one, task in running.items():
            if task.cut_short:
                one.cancel()
        late = await _still_running(running, seconds)
        for one in late:
            log.warning("background task did not end in time and is cancelled", task=running[one].name)
            one.cancel()
        for one in await _still_running(late, _CANCEL_SECONDS):
            log.error("background task does not end although it was cancelled", task=running[one].name)

    def not_ready(self) -> str | None:
        """Names the tasks that keep failing or make no progress; None if there are none."""
        patience = self._patience
        failing = [task.name for task in self._tasks if task.failing_seconds > patience.unready_seconds]
        slow = [task.name for task in self._tasks if task.overdue_seconds > patience.slow_seconds]
        reasons = [f"{word}: {', '.join(names)}" for word, names in (("failing", failing), ("slow", slow)) if names]
        return "; ".join(reasons) or None

    def _watch(self) -> None:
        # only the end of the process stops a step that ignores its cancellation
        self._watching = asyncio.get_running_loop().call_later(
            min(_WATCH_SECONDS, self._patience.end_seconds), self._watch
        )
        for task in self._tasks:
            if task.overdue_seconds > self._patience.end_seconds and not self._outages.present():
                ending.end_process(f"background task {task.name} has made no progress for {task.overdue_seconds:.0f} s")


async def _still_running(tasks: "Collection[asyncio.Task[None]]", seconds: float) -> "set[asyncio.Task[None]]":
    if not tasks:
        return set()
    _, late = await asyncio.wait(tasks, timeout=max(seconds, 0))
    return late
