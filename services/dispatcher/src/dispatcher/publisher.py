"""Publishes jobs: persistent, and each confirmed by RabbitMQ. Reads no table."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from faststream.rabbit import RabbitQueue
from pamqp.commands import Basic
from pamqp.common import FieldTable

from dispatcher.metrics import PUBLISH_SECONDS, PUBLISHED
from leopard.broker.channels import ReopeningChannel
from leopard.broker.connection import BROKER_UNAVAILABLE, Broker
from leopard.broker.jobs import MessageJob
from leopard.broker.queues import ORIGIN_HEADER, PERSONALIZED, SENDS
from leopard.telemetry.tracing import TRACEPARENT

CONFIRM_SECONDS: Final = 30
PERSISTENT: Final = 2
_NAMED: Final = frozenset(queue.name for queue in PERSONALIZED.values())
"""Queues whose jobs name them: a worker consumes such a queue beside a plain one."""


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
        self._channel = ReopeningChannel(broker)
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
        if self._queue.name in _NAMED:
            headers[ORIGIN_HEADER] = self._queue.name
        properties = Basic.Properties(
            content_type="application/json",
            delivery_mode=PERSISTENT,
            headers=headers,
            timestamp=published_at or datetime.now(UTC),
        )
        started = time.perf_counter()
        for first in range(0, len(jobs), self._concurrency):
            bodies = [job.model_dump_json().encode() for job in jobs[first : first + self._concurrency]]
            failed = await self._failed(bodies, properties)
            PUBLISHED.labels("confirmed").inc(len(bodies) - failed)
            if failed:
                PUBLISHED.labels("unconfirmed").inc(failed)
                raise UnconfirmedError(f"{failed} of {len(bodies)} jobs were refused or returned")
        if jobs:
            PUBLISH_SECONDS.observe(time.perf_counter() - started)

    async def _failed(self, bodies: Sequence[bytes], properties: Basic.Properties) -> int:
        confirms = await self._channel.confirms()
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                return await self._broker.unless_blocked(confirms.publish(self._queue.name, bodies, properties))
        except (TimeoutError, ConnectionError) as error:
            PUBLISHED.labels("unconfirmed").inc(len(bodies))
            reason = str(error) or f"not confirmed within {CONFIRM_SECONDS} s"
            raise UnconfirmedError(f"{len(bodies)} jobs: {reason}") from error
