"""Messages in flight: one asyncio task per message, so that a slow response delays no other message."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Final

from leopard.runtime.background import BACKGROUND_FAILURES, error_of
from leopard.telemetry.logs import get_logger
from leopard.telemetry.tracing import trace_id_of
from sender_worker.acks import HeldJob
from sender_worker.batcher import Batcher
from sender_worker.claims import Claim
from sender_worker.metrics import IN_FLIGHT, UNKNOWN_OUTCOMES
from sender_worker.results import Result
from sender_worker.sending import Carrier, send_message

log = get_logger(__name__)

SEND: Final = "send message"
"""The name of these tasks in logs and metrics."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A job that is acknowledged once its result is recorded. Without a result there was nothing to send."""

    job: HeldJob
    result: Result | None


class InFlight:
    """The tasks that send messages. Each adds its result to `finished`."""

    def __init__(self, carrier: Carrier, finished: Batcher[Finished], *, lease_seconds: float) -> None:
        self._carrier = carrier
        self._finished = finished
        self._lease_seconds = lease_seconds
        self._tasks: dict[asyncio.Task[None], tuple[HeldJob, Claim]] = {}
        self._room = asyncio.Event()
        IN_FLIGHT.set_function(lambda: len(self._tasks))
        BACKGROUND_FAILURES.labels(SEND)

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, job: HeldJob, claim: Claim, claim_requested_at: float) -> None:
        """Start a task that sends a claimed message."""
        task = asyncio.create_task(self._send(job, claim, claim_requested_at), name=f"leopard: {SEND}")
        self._tasks[task] = (job, claim)
        task.add_done_callback(self._sent)

    async def wait_for_room(self, seconds: float) -> None:
        """Wait until one more message is finished, at most `seconds`."""
        self._room.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._room.wait()

    def wake(self) -> None:
        """End a wait for room now."""
        self._room.set()

    async def _send(self, job: HeldJob, claim: Claim, claim_requested_at: float) -> None:
        if time.monotonic() - claim_requested_at >= self._lease_seconds:
            # this process was frozen for so long that another worker may have claimed the message
            log.warning("claim ended before the message was sent", **ids_of(job, claim))
            self._finished.add(Finished(job, None))
            return
        result = await send_message(claim, self._carrier, job.traceparent)
        if result.outcome_unknown:
            UNKNOWN_OUTCOMES.inc()
        self._finished.add(Finished(job, result))

    def _sent(self, task: asyncio.Task[None]) -> None:
        job, claim = self._tasks.pop(task)
        self._room.set()
        error = error_of(task)
        if error is not None:
            # the outcome is unknown: the lease ends, and the next claim handles the message
            self._finished.add(Finished(job, None))
            BACKGROUND_FAILURES.labels(SEND).inc()
            log.error("sending failed with an unexpected error, outcome unknown", exc_info=error, **ids_of(job, claim))


def ids_of(job: HeldJob, claim: Claim) -> dict[str, object]:
    """The ids for every log line about a message."""
    return {
        "campaign_id": claim.campaign_id,
        "message_id": claim.message_id,
        "trace_id": trace_id_of(job.traceparent),
    }
