"""Dead-letters jobs that this worker cannot process: publishes them to `campaign_sends.dead`, then acks them."""

from dataclasses import dataclass
from typing import Final

from aio_pika.exceptions import AMQPError
from faststream.rabbit import RabbitMessage

from leopard.broker.connection import Broker
from leopard.broker.queues import DEAD_LETTERS, ORIGIN_HEADER, REASON_HEADER
from leopard.broker.topology import declare_topology
from leopard.telemetry.logs import get_logger
from sender_worker.acks import Acks, HeldJob
from sender_worker.batcher import Batcher
from sender_worker.metrics import DEAD_LETTERED

log = get_logger(__name__)

_AT_A_TIME: Final = 100
_IDLE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class UnreadableJob:
    """A job that cannot be processed, for example because it does not parse, and the reason."""

    job: HeldJob
    message: RabbitMessage
    reason: str


class UnreadableJobs:
    """Moves jobs to the dead letter queue, and retries until RabbitMQ confirms them."""

    def __init__(self, broker: Broker, acks: Acks) -> None:
        self._broker = broker
        self._acks = acks
        self._arrived: Batcher[UnreadableJob] = Batcher(size=_AT_A_TIME)
        self._moving: list[UnreadableJob] = []

    def add(self, unreadable: UnreadableJob) -> None:
        """Move one more job."""
        self._arrived.add(unreadable)

    async def step(self) -> float:
        """Move the waiting jobs.

        Raises:
            aio_pika.exceptions.AMQPError, ConnectionError, leopard.broker.connection.BrokerBlockedError:
                The broker is unavailable; the jobs are kept.
        """
        if self._broker.blocked_reason is not None:
            return _IDLE_SECONDS
        if not self._moving:
            self._moving = await self._arrived.next_batch(seconds=_IDLE_SECONDS)
        while self._moving:
            unreadable = self._moving[0]
            try:
                await self._broker.unless_blocked(self._publish(unreadable))
            except AMQPError:
                # the queue may have been deleted
                await declare_topology(self._broker)
                raise
            DEAD_LETTERED.inc()
            log.error("job dead-lettered", reason=unreadable.reason)
            self._moving.pop(0)
            await self._acks.done([unreadable.job])
        return 0

    async def _publish(self, unreadable: UnreadableJob) -> None:
        message = unreadable.message
        await self._broker.publish(
            message.body,
            DEAD_LETTERS.name,
            headers={
                **message.headers,
                REASON_HEADER: unreadable.reason,
                ORIGIN_HEADER: message.raw_message.routing_key or "",
            },
            content_type=message.content_type,
            persist=True,
        )
