"""The consumer of jobs: parses each job and passes it to the pipeline. Acknowledges nothing itself.

Jobs are taken from the bytes that arrive, many at a time, before FastStream makes a task and a context of each. What
cannot be taken that way reaches FastStream's handler, which tells why and dead-letters it.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from aiormq.abc import AbstractChannel
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitMessage, RabbitQueue
from pydantic import ValidationError

from leopard.broker.connection import Broker
from leopard.broker.frames import job_properties
from leopard.broker.jobs import MessageJob
from leopard.broker.queues import ORIGIN_HEADER, consumed
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
    """The publishing times of the newest jobs that this worker received, by their queues."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reported: dict[str, datetime] = {}
        self._latest: dict[str, datetime] = {}

    def note(self, queue: str, published: datetime) -> None:
        """Note that a job of a queue has arrived."""
        latest = self._latest.get(queue)
        if latest is None or published > latest:
            self._latest[queue] = published

    async def step(self) -> float:
        """Report the times that have changed to the dispatchers; returns the seconds to rest."""
        for queue, latest in list(self._latest.items()):
            if latest != self._reported.get(queue):
                async with self._pool.connection() as connection:
                    await report_delivered(connection, queue, latest)
                self._reported[queue] = latest
        return _REPORT_SECONDS


def subscribe(
    broker: Broker,
    pipeline: Pipeline,
    unreadable_jobs: UnreadableJobs,
    delivered: DeliveredUpTo,
    *,
    queues: Sequence[RabbitQueue],
    prefetch: int,
) -> None:
    """Consume queues, holding up to `prefetch` jobs of each at a time. A job that names no queue is of the first."""
    BACKGROUND_FAILURES.labels(TAKE)

    # both consumers share a channel, so that their deliveries are acknowledged together
    channel_of_jobs = Channel(prefetch_count=prefetch)

    def accept(
        job: MessageJob, channel: AbstractChannel, tag: int, headers: Mapping[str, Any], published: datetime | None
    ) -> None:
        if published is not None:
            delivered.note(str(headers.get(ORIGIN_HEADER) or queues[0].name), published)
        # last, so that a job is never taken after an error and handled again
        pipeline.take(
            HeldJob(
                job.message_id,
                channel,
                tag,
                headers.get(TRACEPARENT),
                job.campaign_id,
                job.customer_id,
                time.monotonic(),
            )
        )

    def take(channel: AbstractChannel, tag: int, header: bytes, body: bytes) -> bool:
        try:
            properties = job_properties(header)
            job = MessageJob.model_validate_json(body)
            accept(job, channel, tag, properties.headers, properties.published_at)
        except Exception:  # noqa: BLE001
            # the handler meets the same error, and dead-letters the job with the reason
            return False
        return True

    broker.take = take

    async def on_job(message: RabbitMessage) -> None:
        raw = message.raw_message
        assert raw.delivery_tag is not None  # noqa: S101 every delivery has one
        try:
            job = MessageJob.model_validate_json(message.body)
            accept(job, raw.channel, raw.delivery_tag, message.headers, raw.timestamp)
        except ValidationError as error:
            reason = f"does not parse: {_reason(error)}"
        except Exception as error:
            BACKGROUND_FAILURES.labels(TAKE).inc()
            log.exception("job not taken because of an unexpected error")
            reason = f"unexpected error: {type(error).__name__}"
        else:
            return
        unreadable_jobs.add(UnreadableJob(HeldJob(0, raw.channel, raw.delivery_tag), message, reason))

    for queue in queues:
        subscriber = broker.subscriber(
            consumed(queue), channel=channel_of_jobs, ack_policy=AckPolicy.MANUAL, no_reply=True
        )
        subscriber(on_job)


def _reason(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    return ": ".join(part for part in (".".join(str(part) for part in problem["loc"]), problem["msg"]) if part)
