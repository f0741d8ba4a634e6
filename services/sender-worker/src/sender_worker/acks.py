"""Acknowledgements of jobs, many with one frame if possible. Knows no message and no table.

One frame per job costs a worker more than the job's share of the claim and record statements. One ack can cover every
delivery up to its tag (multiple=true), so finished deliveries without a gap are acknowledged together.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from aiormq.abc import AbstractChannel


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A job that was delivered to this worker and is not acknowledged yet."""

    message_id: int
    channel: AbstractChannel
    delivery_tag: int
    traceparent: object = None
    campaign_id: int = 0
    customer_id: int = 0
    since: float = 0.0
    """When it was delivered (monotonic clock)."""


class Acks:
    """Acknowledges the deliveries of one subscriber."""

    def __init__(self) -> None:
        self._channel: AbstractChannel | None = None
        self._settled_up_to = 0
        self._settled_beyond: set[int] = set()
        self._in_turn = asyncio.Lock()

    async def done(self, jobs: Sequence[HeldJob]) -> None:
        """Acknowledge jobs. Jobs of a closed connection are ignored: RabbitMQ has requeued them."""
        # one caller at a time: RabbitMQ closes the channel if a delivery is acknowledged twice
        async with self._in_turn:
            tags = self._begin(jobs)
            together = self._settle(tags)
            alone = [tag for tag in tags if tag > together]
            # if the connection is lost meanwhile, RabbitMQ requeues its jobs
            with suppress(AMQPError, ConnectionError, ChannelInvalidStateError):
                if self._channel is not None and together:
                    await self._channel.basic_ack(together, multiple=True, wait=not alone)
                for tag in alone:
                    if self._channel is not None:
                        # wait until the last ack is written, so that closing the connection next loses none
                        await self._channel.basic_ack(tag, wait=tag == alone[-1])

    def _begin(self, jobs: Sequence[HeldJob]) -> list[int]:
        newest = next((job.channel for job in reversed(jobs) if not job.channel.is_closed), None)
        if newest is None:
            return []
        if newest is not self._channel:
            # a new channel counts delivery tags from one
            self._channel, self._settled_up_to = newest, 0
            self._settled_beyond.clear()
        return sorted(job.delivery_tag for job in jobs if job.channel is newest)

    def _settle(self, tags: Sequence[int]) -> int:
        """Mark deliveries as settled; returns the highest of these tags without a gap before it, or 0."""
        self._settled_beyond.update(tags)
        up_to = 0
        fresh = set(tags)
        while self._settled_up_to + 1 in self._settled_beyond:
            self._settled_up_to += 1
            self._settled_beyond.remove(self._settled_up_to)
            if self._settled_up_to in fresh:
                up_to = self._settled_up_to
        return up_to
