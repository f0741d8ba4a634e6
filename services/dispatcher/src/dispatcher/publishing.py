"""Jobs on their way to the broker: persistent, and each one confirmed."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import aiormq
from aio_pika.exceptions import AMQPError
from faststream.rabbit import RabbitBroker, RabbitQueue
from pamqp.commands import Basic
from pamqp.common import FieldTable

from dispatcher.metrics import PUBLISH_SECONDS, PUBLISHED
from leopard.jobs import MessageJob
from leopard.messaging import SENDS, OwnChannel
from leopard.tracing import TRACEPARENT

CONFIRM_SECONDS: Final = 30
PERSISTENT: Final = 2


class UnconfirmedError(Exception):
    """The broker did not confirm every job; those it has may be published again."""


BROKER_AWAY: Final = (AMQPError, ConnectionError, TimeoutError, UnconfirmedError)
"""What publishing raises when RabbitMQ is away, restarting or refusing; the same jobs may pass later."""


class JobPublisher:
    """Publishes jobs to one queue.

    On the broker's connection, not through its `publish`: that makes and waits for one frame after the other, and an
    object and a random id for each job.
    """

    def __init__(self, broker: RabbitBroker, *, concurrency: int, queue: RabbitQueue = SENDS) -> None:
        self._channel = OwnChannel(broker, confirms=True)
        self._queue = queue
        self._concurrency = concurrency

    async def publish(self, jobs: Sequence[MessageJob], traceparent: str | None) -> None:
        """Publish every job and wait for its confirm.

        Raises:
            UnconfirmedError: One was refused, returned for want of a queue, or not confirmed in time.
            ConnectionError, aio_pika.exceptions.AMQPError: There is no connection at this moment.
        """
        headers: FieldTable = {TRACEPARENT: traceparent} if traceparent else {}
        started = time.perf_counter()
        for first in range(0, len(jobs), self._concurrency):
            channel = await self._channel.underlay()
            group = jobs[first : first + self._concurrency]
            async with asyncio.timeout(CONFIRM_SECONDS):
                results = await asyncio.gather(
                    *(_publish(channel, self._queue.name, job, headers) for job in group), return_exceptions=True
                )
            failed = [result for result in results if isinstance(result, BaseException)]
            PUBLISHED.labels("confirmed").inc(len(results) - len(failed))
            if failed:
                PUBLISHED.labels("unconfirmed").inc(len(failed))
                raise UnconfirmedError(f"{len(failed)} of {len(group)} jobs: {type(failed[0]).__name__}") from failed[0]
        if jobs:
            PUBLISH_SECONDS.observe(time.perf_counter() - started)


async def _publish(channel: aiormq.Channel, queue: str, job: MessageJob, headers: FieldTable) -> None:
    await channel.basic_publish(
        job.model_dump_json().encode(),
        routing_key=queue,
        properties=Basic.Properties(
            # by which the broker's answer finds the job when it is returned
            message_id=str(job.message_id),
            content_type="application/json",
            delivery_mode=PERSISTENT,
            headers=headers,
        ),
        mandatory=True,
        # the confirm is waited for, not the moment when the frame is written: that would be one job after the other
        wait=False,
    )
