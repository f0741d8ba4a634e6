"""Jobs on their way to the broker: persistent, and each one confirmed."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from aio_pika.abc import HeadersType
from aio_pika.exceptions import AMQPError
from faststream.rabbit import RabbitBroker

from dispatcher.metrics import PUBLISH_SECONDS, PUBLISHED
from leopard.jobs import MessageJob
from leopard.messaging import SENDS
from leopard.tracing import TRACEPARENT

CONFIRM_SECONDS: Final = 30


class UnconfirmedError(Exception):
    """The broker did not confirm every job; those it has may be published again."""


BROKER_AWAY: Final = (AMQPError, ConnectionError, TimeoutError, UnconfirmedError)
"""What publishing raises when RabbitMQ is away, restarting or refusing; the same jobs may pass later."""


class JobPublisher:
    """Publishes jobs to `campaign_sends`."""

    def __init__(self, broker: RabbitBroker, *, concurrency: int) -> None:
        self._broker = broker
        self._concurrency = concurrency

    async def publish(self, jobs: Sequence[MessageJob], traceparent: str | None) -> None:
        """Publish every job and wait for its confirm.

        Raises:
            UnconfirmedError: One was refused, returned for want of a queue, or not confirmed in time.
        """
        headers: HeadersType | None = {TRACEPARENT: traceparent} if traceparent else None
        if not jobs:
            return
        started = time.perf_counter()
        for first in range(0, len(jobs), self._concurrency):
            group = jobs[first : first + self._concurrency]
            results = await asyncio.gather(*(self._publish(job, headers) for job in group), return_exceptions=True)
            failed = [result for result in results if isinstance(result, BaseException)]
            PUBLISHED.labels("confirmed").inc(len(results) - len(failed))
            if failed:
                PUBLISHED.labels("unconfirmed").inc(len(failed))
                raise UnconfirmedError(f"{len(failed)} of {len(group)} jobs: {type(failed[0]).__name__}") from failed[0]
        PUBLISH_SECONDS.observe(time.perf_counter() - started)

    async def _publish(self, job: MessageJob, headers: HeadersType | None) -> None:
        await self._broker.publish(
            job.model_dump_json().encode(),
            SENDS.name,
            headers=headers,
            content_type="application/json",
            persist=True,
            mandatory=True,
            timeout=CONFIRM_SECONDS,
        )
