"""Acknowledgements: a job is acknowledged once its message is recorded, many jobs with one frame where possible.

A frame a job costs a worker more than the job's share of both statements. Deliveries are numbered by their channel, and
an acknowledgement may speak for all up to its number: so what is done without a gap is acknowledged together.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from aiormq.abc import AbstractChannel


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A job that the broker delivered to this worker and that is not acknowledged yet."""

    message_id: int
    channel: AbstractChannel
    delivery_tag: int
    traceparent: object = None
    campaign_id: int = 0
    customer_id: int = 0
    since: float = 0.0
    """When it was delivered, by the monotonic clock."""


class Acks:
    """What the broker was told of one subscriber's deliveries."""

    def __init__(self) -> None:
        self._channel: AbstractChannel | None = None
        self._settled_up_to = 0
        self._settled_beyond: set[int] = set()
        self._in_turn = asyncio.Lock()

    async def done(self, jobs: Sequence[HeldJob]) -> None:
        """Acknowledge jobs; those of a connection that is gone have been taken back already."""
        # one after the other: what was acknowledged together must not be acknowledged again by who came before
        async with self._in_turn:
            tags = self._begin(jobs)
            together = self._settle(tags)
            alone = [tag for tag in tags if tag > together]
            # a connection that goes away meanwhile takes its jobs back
            with suppress(AMQPError, ConnectionError, ChannelInvalidStateError):
                if self._channel is not None and together:
                    await self._channel.basic_ack(together, multiple=True, wait=not alone)
                for tag in alone:
                    if self._channel is not None:
                        # the last is waited for until it is written: who closes the connection next loses none
                        await self._channel.basic_ack(tag, wait=tag == alone[-1])

    def _begin(self, jobs: Sequence[HeldJob]) -> list[int]:
        newest = next((job.channel for job in reversed(jobs) if not job.channel.is_closed), None)
        if newest is None:
            return []
        if newest is not self._channel:
            # a channel that was opened again counts from one
            self._channel, self._settled_up_to = newest, 0
            self._settled_beyond.clear()
        return sorted(job.delivery_tag for job in jobs if job.channel is newest)

    def _settle(self, tags: Sequence[int]) -> int:
        """Note that these deliveries are settled; up to which of them there is no gap, 0 where there is none."""
        self._settled_beyond.update(tags)
        up_to = 0
        fresh = set(tags)
        while self._settled_up_to + 1 in self._settled_beyond:
            self._settled_up_to += 1
            self._settled_beyond.remove(self._settled_up_to)
            if self._settled_up_to in fresh:
                up_to = self._settled_up_to
        return up_to
