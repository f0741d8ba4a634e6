"""Jobs that requests start and that go on after the answer. They end with the process."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final

from campaign_api.admission import Admission
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

STOP_SECONDS: Final = 8.0
"""How long the jobs may take to store how they ended."""


class Jobs:
    """The jobs of one kind that run in this process."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], resources: AsyncExitStack, name: str) -> "asyncio.Task[None]":
        """Start a job.

        Args:
            work: What the job does. It handles its errors itself.
            resources: What the job gives back at its end, such as its admission.
            name: The name in logs.
        """
        task = asyncio.create_task(self._run(work, resources), name=f"leopard: {name}")
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def stop(self) -> None:
        """Cancel all jobs, and wait until they have ended."""
        running = set(self._running)
        for task in running:
            task.cancel()
        if running:
            _, late = await asyncio.wait(running, timeout=STOP_SECONDS)
            for task in late:
                log.error("job does not end although it was cancelled", job=task.get_name())

    async def _run(self, work: Coroutine[Any, Any, None], resources: AsyncExitStack) -> None:
        async with resources:
            await work

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("job failed", job=task.get_name(), exc_info=error)
