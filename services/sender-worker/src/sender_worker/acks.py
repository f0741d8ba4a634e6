"""Acknowledgements of jobs, as many as possible with one frame. Knows no message and no table.

A frame for each job costs the worker, RabbitMQ and its disk more than the job's share of the statements. One ack can
cover every delivery up to its tag (multiple=true). So a job that is finished while an earlier one is not waits a moment
for it. A crash in between costs nothing: RabbitMQ delivers the job again, and there is nothing to send.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, cast

import aiormq
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from aiormq.abc import AbstractChannel, ChannelFrame

from leopard.broker.frames import ack_frames, ack_up_to

WAIT_SECONDS: Final = 0.5
"""How often jobs that wait for an earlier one are acknowledged by themselves."""


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

    def __init__(self, *, most_waiting: int = 0) -> None:
        self._most_waiting = most_waiting
        self._channel: AbstractChannel | None = None
        self._settled_up_to = 0
        self._settled_beyond: set[int] = set()
        self._waiting: set[int] = set()
        """Settled deliveries that are not acknowledged yet."""
        self._in_turn = asyncio.Lock()

    async def done(self, jobs: Sequence[HeldJob]) -> None:
        """Acknowledge jobs, some of them a moment later. RabbitMQ has requeued jobs of a closed connection."""
        # one caller at a time: RabbitMQ closes the channel if a delivery is acknowledged twice
        async with self._in_turn:
            self._settle(jobs)
            await self._acknowledge(all_waiting=len(self._waiting) > self._most_waiting)

    async def flush(self) -> float:
        """Acknowledge every job that waits; returns the seconds to rest."""
        async with self._in_turn:
            await self._acknowledge(all_waiting=True)
        return WAIT_SECONDS

    async def _acknowledge(self, *, all_waiting: bool) -> None:
        channel = self._channel
        if channel is None or not self._waiting:
            return
        together = max((tag for tag in self._waiting if tag <= self._settled_up_to), default=0)
        alone = sorted(tag for tag in self._waiting if tag > together) if all_waiting else []
        frames = (ack_up_to(channel.number, together) if together else b"") + ack_frames(channel.number, alone)
        if not frames:
            return
        # if the connection is lost meanwhile, RabbitMQ requeues its jobs
        with suppress(AMQPError, ConnectionError, ChannelInvalidStateError):
            if channel.is_closed:
                return
            # wait until they are written, so that closing the connection next loses none
            written = channel.create_future()
            await cast("aiormq.Channel", channel).write_queue.put(
                ChannelFrame(frames, should_close=False, drain_future=written)
            )
            # no await in between: an error before leaves them waiting, an error after must not repeat them
            self._waiting = set() if all_waiting else {tag for tag in self._waiting if tag > together}
            await written

    def _settle(self, jobs: Sequence[HeldJob]) -> None:
        newest = next((job.channel for job in reversed(jobs) if not job.channel.is_closed), None)
        if newest is None:
            return
        if newest is not self._channel:
            # a new channel counts delivery tags from one
            self._channel, self._settled_up_to = newest, 0
            self._settled_beyond.clear()
            self._waiting.clear()
        # a caller may repeat jobs after an error
        tags = {job.delivery_tag for job in jobs if job.channel is newest and job.delivery_tag > self._settled_up_to}
        tags -= self._settled_beyond
        self._waiting |= tags
        self._settled_beyond |= tags
        while self._settled_up_to + 1 in self._settled_beyond:
            self._settled_up_to += 1
            self._settled_beyond.remove(self._settled_up_to)
