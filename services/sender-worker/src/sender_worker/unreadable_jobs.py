"""Jobs that cannot be taken: kept in `campaign_sends.dead` with the reason, and acknowledged only then."""

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
    """A job that cannot be taken, for example because it does not parse, and why."""

    job: HeldJob
    message: RabbitMessage
    reason: str


class UnreadableJobs:
    """Moves jobs to the queue of dead letters, again and again until it takes them."""

    def __init__(self, broker: Broker, acks: Acks) -> None:
        self._broker = broker
        self._acks = acks
        self._arrived: Batcher[UnreadableJob] = Batcher(size=_AT_A_TIME)
        self._moving: list[UnreadableJob] = []

    def add(self, letter: UnreadableJob) -> None:
        """Move one more job."""
        self._arrived.add(letter)

    async def step(self) -> float:
        """Move the jobs that wait.

        Raises:
            aio_pika.exceptions.AMQPError, ConnectionError, leopard.broker.connection.BrokerBlockedError:
                The broker is unavailable; the jobs are kept.
        """
        if self._broker.blocked_reason is not None:
            return _IDLE_SECONDS
        if not self._moving:
            self._moving = await self._arrived.next_batch(seconds=_IDLE_SECONDS)
        while self._moving:
            letter = self._moving[0]
            try:
                await self._broker.unless_blocked(self._publish(letter))
            except AMQPError:
                # the queue may have been deleted
                await declare_topology(self._broker)
                raise
            DEAD_LETTERED.inc()
            log.error("job is dead-lettered", reason=letter.reason)
            self._moving.pop(0)
            await self._acks.done([letter.job])
        return 0

    async def _publish(self, letter: UnreadableJob) -> None:
        message = letter.message
        await self._broker.publish(
            message.body,
            DEAD_LETTERS.name,
            headers={
                **message.headers,
                REASON_HEADER: letter.reason,
                ORIGIN_HEADER: message.raw_message.routing_key or "",
            },
            content_type=message.content_type,
            persist=True,
        )
