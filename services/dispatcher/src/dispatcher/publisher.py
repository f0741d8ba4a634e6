"""Publishes jobs: persistent, and each confirmed by RabbitMQ. Reads no table."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import aiormq
from faststream.rabbit import RabbitQueue
from pamqp.commands import Basic
from pamqp.common import FieldTable

from dispatcher.metrics import PUBLISH_SECONDS, PUBLISHED
from leopard.broker.connection import BROKER_UNAVAILABLE, Broker, ReopeningChannel
from leopard.broker.jobs import MessageJob
from leopard.broker.queues import SENDS
from leopard.telemetry.tracing import TRACEPARENT

CONFIRM_SECONDS: Final = 30
PERSISTENT: Final = 2


class UnconfirmedError(Exception):
    """RabbitMQ did not confirm every job. Confirmed jobs may be published again."""


PUBLISHING_UNAVAILABLE: Final = (*BROKER_UNAVAILABLE, UnconfirmedError)
"""Errors of publishing while RabbitMQ is unavailable, restarting or refusing. A retry may succeed."""


class JobPublisher:
    """Publishes jobs to one queue.

    Uses the broker's connection but not its `publish`, which waits for each frame and creates an object and a random id
    for each job.
    """

    def __init__(self, broker: Broker, *, concurrency: int, queue: RabbitQueue = SENDS) -> None:
        self._broker = broker
        self._channel = ReopeningChannel(broker, confirms=True)
        self._queue = queue
        self._concurrency = concurrency

    async def publish(
        self, jobs: Sequence[MessageJob], traceparent: str | None, published_at: datetime | None = None
    ) -> None:
        """Publish every job and wait for its confirm.

        Args:
            jobs: The jobs to publish.
            traceparent: The trace that the jobs belong to.
            published_at: The timestamp of the jobs, by the database's clock; default: now.

        Raises:
            UnconfirmedError: A job was refused, returned because its queue is missing, or not confirmed in time.
            BrokerBlockedError: RabbitMQ blocks publishing; says why.
            ConnectionError, aio_pika.exceptions.AMQPError: There is no connection now.
        """
        headers: FieldTable = {TRACEPARENT: traceparent} if traceparent else {}
        timestamp = published_at or datetime.now(UTC)
        started = time.perf_counter()
        for first in range(0, len(jobs), self._concurrency):
            channel = await self._channel.underlay()
            group = jobs[first : first + self._concurrency]
            results = await self._confirmed(
                [_publish(channel, self._queue.name, job, headers, timestamp) for job in group]
            )
            failed = [result for result in results if isinstance(result, BaseException)]
            PUBLISHED.labels("confirmed").inc(len(results) - len(failed))
            if failed:
                PUBLISHED.labels("unconfirmed").inc(len(failed))
                raise UnconfirmedError(f"{len(failed)} of {len(group)} jobs: {type(failed[0]).__name__}") from failed[0]
        if jobs:
            PUBLISH_SECONDS.observe(time.perf_counter() - started)

    async def _confirmed(self, publishing: Sequence[Coroutine[Any, Any, None]]) -> list[BaseException | None]:
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                return await self._broker.unless_blocked(asyncio.gather(*publishing, return_exceptions=True))
        except TimeoutError:
            msg = f"{len(publishing)} jobs were not confirmed within {CONFIRM_SECONDS} s"
            raise UnconfirmedError(msg) from None


async def _publish(
    channel: aiormq.Channel, queue: str, job: MessageJob, headers: FieldTable, timestamp: datetime
) -> None:
    await channel.basic_publish(
        job.model_dump_json().encode(),
        routing_key=queue,
        properties=Basic.Properties(
            # the client matches returned messages by this id
            message_id=str(job.message_id),
            content_type="application/json",
            delivery_mode=PERSISTENT,
            headers=headers,
            timestamp=timestamp,
        ),
        mandatory=True,
        # only the confirm is awaited; waiting for each write would publish one job after another
        wait=False,
    )
