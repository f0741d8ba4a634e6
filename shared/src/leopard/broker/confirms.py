"""Confirms of published messages, counted in bulk: a set of delivery tags, and no future for each message."""

import asyncio
from collections.abc import Sequence

import aiormq
from aiormq.abc import ChannelFrame
from pamqp.commands import Basic

from leopard.broker.frames import publish_frames


class Confirms:
    """What RabbitMQ has answered to one channel. It counts the channel's messages from one."""

    def __init__(self, channel: aiormq.Channel) -> None:
        self.channel: aiormq.abc.AbstractChannel = channel
        self._write_queue = channel.write_queue
        self._last = 0
        self._lowest = 1
        self._waiting: set[int] = set()
        self._refused = 0
        self._returned = 0
        self._changed = asyncio.Event()
        channel.closing.add_done_callback(lambda _: self._changed.set())

    async def publish(self, queue: str, bodies: Sequence[bytes], properties: Basic.Properties) -> int:
        """Publish small messages to a queue and wait for their confirms; the number that was refused or returned.

        Raises:
            ConnectionError: The channel was closed before all were confirmed.
        """
        frames = publish_frames(self.channel.number, queue, bodies, properties)
        self._refused = self._returned = 0
        await self._write_queue.put(ChannelFrame(frames, should_close=False))
        # no await in between: the answers count from here on
        self._waiting.update(range(self._last + 1, self._last + len(bodies) + 1))
        self._last += len(bodies)
        while self._waiting:
            self._changed.clear()
            if self.channel.is_closed:
                msg = "the channel was closed before all jobs were confirmed"
                raise ConnectionError(msg)
            await self._changed.wait()
        return self._refused + self._returned

    def answered(self, tag: int, *, multiple: bool, accepted: bool) -> None:
        """One or all messages up to a tag were accepted or refused."""
        tags = self._waiting.intersection(range(self._lowest, tag + 1) if multiple else (tag,))
        self._waiting -= tags
        self._refused += 0 if accepted else len(tags)
        if multiple:
            self._lowest = max(self._lowest, tag + 1)
        if not self._waiting:
            self._lowest = self._last + 1
            self._changed.set()

    def returned(self) -> None:
        """A message was returned because its queue is missing. RabbitMQ accepts it afterwards."""
        self._returned += 1
