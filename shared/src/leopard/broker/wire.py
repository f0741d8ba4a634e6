"""The bytes that RabbitMQ sends: jobs and confirms are taken from the stream, other frames go to the client library.

The client library reads one frame at a time and creates tasks and futures for each message. Here a chunk of bytes with
hundreds of jobs is read in one pass (docs/adr/0021). What is not taken reaches the library byte by byte as it came.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, Protocol, SupportsIndex, cast

import aiormq
from aiormq.connection import TransportFactory
from aiormq.exceptions import AMQPConnectionError
from yarl import URL

from leopard.broker.frames import (
    ACK,
    ALIVE,
    BODY,
    BODY_SIZE,
    BODY_SIZE_AT,
    DELIVER,
    DELIVERY_TAG,
    FRAME_START,
    FRAME_TYPES,
    HEADER,
    METHOD,
    METHOD_ID,
    NACK,
    OVERHEAD,
    RETURN,
    consumer_and_tag,
)

_LARGEST_BODY: Final = 4096
"""A job is much smaller. Larger messages are left to the library."""
_ALIVE_SECONDS: Final = 1.0


class Confirming(Protocol):
    """Counts what RabbitMQ answers to a channel that publishes."""

    channel: aiormq.abc.AbstractChannel

    def answered(self, tag: int, *, multiple: bool, accepted: bool) -> None:
        """One or all messages up to a tag were accepted or refused."""

    def returned(self) -> None:
        """A message was returned because its queue is missing. RabbitMQ accepts it afterwards."""


Take = Callable[[aiormq.abc.AbstractChannel, int, bytes, bytes], bool]
"""Takes a delivery: its channel, its tag, its header's payload and its body. Says whether it was taken."""


class Wire(asyncio.StreamReader):
    """The stream of one connection."""

    def __init__(self, take: Take | None) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self._take = take
        self._rest = b""
        self._understood = True
        self._told_alive = 0.0
        self.connection: aiormq.abc.AbstractConnection | None = None
        self.confirming: dict[int, Confirming] = {}
        """By the numbers of their channels."""

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Take what is known from the bytes that arrived, and pass on the rest."""
        if not self._understood:
            super().feed_data(data)
            return
        kept, taken = self._read(self._rest + bytes(data) if self._rest else bytes(data))
        if taken:
            now = asyncio.get_running_loop().time()
            if now - self._told_alive >= _ALIVE_SECONDS:
                # the library ends a connection on which it hears nothing
                self._told_alive = now
                kept += ALIVE
        if kept:
            super().feed_data(kept)

    def feed_eof(self) -> None:
        """Pass on an unfinished frame, which the library reports."""
        if self._rest:
            super().feed_data(self._rest)
            self._rest = b""
        super().feed_eof()

    def _read(self, data: bytes) -> tuple[bytes, bool]:
        """Split bytes into what goes to the library, and whether anything was taken. An unfinished frame is kept."""
        at, length = 0, len(data)
        kept: list[bytes] = []
        kept_from = 0
        while length - at >= FRAME_START.size:
            kind, channel, size = FRAME_START.unpack_from(data, at)
            if kind not in FRAME_TYPES:
                # not AMQP, or a frame was misread: the library decides
                self._understood = False
                at = length
                break
            end = at + OVERHEAD + size
            if end > length:
                break
            taken_to = 0
            if kind == METHOD and size >= METHOD_ID.size and self.connection is not None:
                try:
                    taken_to = self._take_method(data, at, end, channel)
                except _UnfinishedError:
                    break
            if taken_to:
                kept.append(data[kept_from:at])
                kept_from = taken_to
            at = taken_to or end
        kept.append(data[kept_from:at])
        self._rest = data[at:]
        return b"".join(kept), sum(map(len, kept)) < at

    def _take_method(self, data: bytes, at: int, end: int, channel: int) -> int:
        """Where the bytes that were taken end; 0 if none were taken."""
        start = at + FRAME_START.size
        method = METHOD_ID.unpack_from(data, start)[0]
        if method == DELIVER:
            return self._take_delivery(data, start, end, channel)
        confirming = self._confirming(channel) if method in (ACK, NACK, RETURN) else None
        if confirming is None:
            return 0
        if method == RETURN:
            content = _content(data, end, channel)
            if content is None:
                return 0
            confirming.returned()
            return content.end
        tag, flags = DELIVERY_TAG.unpack_from(data, start + METHOD_ID.size)
        confirming.answered(tag, multiple=bool(flags & 1), accepted=method == ACK)
        return end

    def _take_delivery(self, data: bytes, start: int, end: int, number: int) -> int:
        channel = self.connection.channels.get(number) if self.connection is not None else None
        if self._take is None or channel is None:
            return 0
        content = _content(data, end, number)
        if content is None:
            return 0
        consumer, tag = consumer_and_tag(data[start:end])
        # a consumer that was cancelled takes nothing more
        taken = consumer in cast("aiormq.Channel", channel).consumers and self._take(
            channel, tag, content.header, content.body
        )
        return content.end if taken else 0

    def _confirming(self, number: int) -> Confirming | None:
        confirming = self.confirming.get(number)
        channel = self.connection.channels.get(number) if self.connection is not None else None
        if confirming is not None and confirming.channel is not channel:
            # another channel has this number now
            del self.confirming[number]
            return None
        return confirming


class _UnfinishedError(Exception):
    """More bytes must come first."""


class _Content(NamedTuple):
    header: bytes
    body: bytes
    end: int


def _content(data: bytes, at: int, channel: int) -> _Content | None:
    """The content of a small message from its header frame on; None if it is not small.

    Raises:
        _UnfinishedError: It is not complete.
    """
    length = len(data)
    if length < at + FRAME_START.size + BODY_SIZE_AT + BODY_SIZE.size:
        raise _UnfinishedError
    kind, number, size = FRAME_START.unpack_from(data, at)
    body_size = BODY_SIZE.unpack_from(data, at + FRAME_START.size + BODY_SIZE_AT)[0]
    if kind != HEADER or number != channel or not 0 < body_size <= _LARGEST_BODY:
        return None
    body_at = at + OVERHEAD + size
    if length < body_at + FRAME_START.size:
        raise _UnfinishedError
    if FRAME_START.unpack_from(data, body_at) != (BODY, channel, body_size):
        return None
    end = body_at + OVERHEAD + body_size
    if length < end:
        raise _UnfinishedError
    return _Content(data[at + FRAME_START.size : body_at - 1], data[body_at + FRAME_START.size : end - 1], end)


class Transport(TransportFactory):
    """Opens the sockets of a connection, plain or with TLS, and reads them through a `Wire`."""

    def __init__(self, take: Take | None) -> None:
        self.take = take
        self.wire: Wire | None = None
        """The stream that was opened last."""

    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:  # noqa: ANN401 aiormq's own
        """Connect.

        Raises:
            aiormq.exceptions.AMQPConnectionError: No connection was made.
        """
        provider = options.pop("ssl_context_provider")
        context = await provider.get_context() if url.scheme == "amqps" else None
        loop = asyncio.get_running_loop()
        wire = Wire(self.take)
        protocol = asyncio.StreamReaderProtocol(wire, loop=loop)
        try:
            transport, _ = await loop.create_connection(
                lambda: protocol, host=url.host or "", port=url.port or 0, ssl=context, **options
            )
        except OSError as error:
            raise AMQPConnectionError(*error.args) from error
        self.wire = wire
        return wire, asyncio.StreamWriter(transport, protocol, wire, loop)
