"""The consumer of jobs: parses each job and passes it to the pipeline. Acknowledges nothing itself.

Jobs are taken from the bytes that arrive, many at a time, before FastStream makes a task and a context of each. What
cannot be taken that way reaches FastStream's handler, which tells why and dead-letters it.
"""

import time
from datetime import datetime
from typing import Final

from aiormq.abc import AbstractChannel
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitMessage, RabbitQueue
from pydantic import ValidationError

from leopard.broker.connection import Broker
from leopard.broker.frames import job_properties
from leopard.broker.jobs import MessageJob
from leopard.broker.queues import consumed
from leopard.db.pool import Pool
from leopard.db.queue_progress import report_delivered
from leopard.runtime.background import BACKGROUND_FAILURES
from leopard.telemetry.logs import get_logger
from leopard.telemetry.tracing import TRACEPARENT
from sender_worker.acks import HeldJob
from sender_worker.pipeline import Pipeline
from sender_worker.unreadable_jobs import UnreadableJob, UnreadableJobs

log = get_logger(__name__)

TAKE: Final = "take job"
"""The name of this step in logs and metrics."""

_REPORT_SECONDS: Final = 1.0


class DeliveredUpTo:
    """The publishing time of the newest job that this worker received."""

    def __init__(self, pool: Pool, queue: str) -> None:
        self._pool = pool
        self._queue = queue
        self._reported: datetime | None = None
        self.latest: datetime | None = None

    async def step(self) -> float:
        """Report the time to the dispatchers if it has changed; returns the seconds to rest."""
        latest = self.latest
        if latest is not None and latest != self._reported:
            async with self._pool.connection() as connection:
                await report_delivered(connection, self._queue, latest)
            self._reported = latest
        return _REPORT_SECONDS


def subscribe(
    broker: Broker,
    pipeline: Pipeline,
    unreadable_jobs: UnreadableJobs,
    delivered: DeliveredUpTo,
    *,
    queue: RabbitQueue,
    prefetch: int,
) -> None:
    """Consume a queue, holding up to `prefetch` jobs at a time."""
    BACKGROUND_FAILURES.labels(TAKE)

    def accept(
        job: MessageJob, channel: AbstractChannel, tag: int, traceparent: object, published: datetime | None
    ) -> None:
        if published is not None and (delivered.latest is None or published > delivered.latest):
            delivered.latest = published
        # last, so that a job is never taken after an error and handled again
        pipeline.take(
            HeldJob(job.message_id, channel, tag, traceparent, job.campaign_id, job.customer_id, time.monotonic())
        )

    def take(channel: AbstractChannel, tag: int, header: bytes, body: bytes) -> bool:
        try:
            properties = job_properties(header)
            job = MessageJob.model_validate_json(body)
            accept(job, channel, tag, properties.headers.get(TRACEPARENT), properties.published_at)
        except Exception:  # noqa: BLE001
            # the handler meets the same error, and dead-letters the job with the reason
            return False
        return True

    broker.take = take

    @broker.subscriber(
        consumed(queue), channel=Channel(prefetch_count=prefetch), ack_policy=AckPolicy.MANUAL, no_reply=True
    )
    async def on_job(message: RabbitMessage) -> None:
        raw = message.raw_message
        assert raw.delivery_tag is not None  # noqa: S101 every delivery has one
        try:
            job = MessageJob.model_validate_json(message.body)
            accept(job, raw.channel, raw.delivery_tag, message.headers.get(TRACEPARENT), raw.timestamp)
        except ValidationError as error:
            reason = f"does not parse: {_reason(error)}"
        except Exception as error:
            BACKGROUND_FAILURES.labels(TAKE).inc()
            log.exception("job not taken because of an unexpected error")
            reason = f"unexpected error: {type(error).__name__}"
        else:
            return
        unreadable_jobs.add(UnreadableJob(HeldJob(0, raw.channel, raw.delivery_tag), message, reason))


def _reason(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    return ": ".join(part for part in (".".join(str(part) for part in problem["loc"]), problem["msg"]) if part)
