"""The connection of a process to RabbitMQ: connects, reconnects, and notices when RabbitMQ blocks it."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import aiormq
from aio_pika import IncomingMessage, RobustConnection
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import ChannelInvalidStateError
from faststream import StreamMessage
from faststream.rabbit import Channel, RabbitBroker, RabbitMessage

from leopard.broker.wire import Take, Transport, Wire
from leopard.telemetry.logs import get_logger
from leopard.telemetry.metrics import BROKER_BLOCKED

log = get_logger(__name__)


class BrokerBlockedError(Exception):
    """RabbitMQ accepts no messages now, because it is short of memory or disk; says which."""


BROKER_UNAVAILABLE: Final = (AMQPError, ChannelInvalidStateError, ConnectionError, TimeoutError, BrokerBlockedError)
"""Errors while RabbitMQ is down, restarting or refusing. A retry may succeed."""


def create_broker(amqp_url: str, *, service: str, shutdown_seconds: float) -> "Broker":
    """A broker that connects in the background and reconnects by itself.

    Args:
        amqp_url: An AMQP 0-9-1 URL.
        service: The name that RabbitMQ shows for the connection.
        shutdown_seconds: How long running handlers may take once it is stopped.
    """
    return Broker(
        amqp_url,
        client_properties={"connection_name": service},
        timeout=5,
        fail_fast=False,
        # each process has its own interval, so that they do not all reconnect to a restarted broker at once
        reconnect_interval=random.uniform(1, 3),  # noqa: S311
        default_channel=Channel(on_return_raises=True),
        graceful_timeout=shutdown_seconds,
        parser=_parsed,
        decoder=_undecoded,
        logger=logging.getLogger(__name__),
        log_level=logging.DEBUG,
        apply_types=False,
    )


CONNECT_SECONDS: Final = 10.0
"""The limit for connecting, which may include several attempts."""

T = TypeVar("T")
_HANDLE_BLOCKED: Final = "_Connection__handle_connection_blocked"
_HANDLE_UNBLOCKED: Final = "_Connection__handle_connection_unblocked"
_LAST_FRAME_TIME: Final = "_Connection__last_frame_time"


class _ListenedConnection(RobustConnection):
    """A connection whose every underlay is listened to before anything uses it, also after an outage."""

    listen: Callable[[aiormq.abc.AbstractConnection], None]
    opening: Transport

    async def _on_connected(self) -> None:
        if self.transport is not None:
            self.listen(self.transport.connection)
            if self.opening.wire is not None:
                self.opening.wire.connection = self.transport.connection
        await super()._on_connected()


class Broker(RabbitBroker):
    """FastStream's broker, which also hears when RabbitMQ blocks those who publish."""

    def __init__(self, url: str, **options: Any) -> None:  # noqa: ANN401 FastStream's own
        super().__init__(url, **options)
        self.url = url
        self._connecting: list[RobustConnection] = []
        self._connection_kwargs["connection_class"] = self._new_connection
        self.blocked_reason: str | None = None
        self.blocked = asyncio.Event()
        self.take: Take | None = None
        """Takes deliveries before FastStream does, where it can."""
        self.topology_problem: str | None = None
        """The queue that cannot be declared, and why; None if all can be."""

    def _new_connection(self, *arguments: Any, **options: Any) -> RobustConnection:  # noqa: ANN401 aio-pika's own
        connection = _ListenedConnection(*arguments, **options)
        connection.listen = self._listen
        connection.opening = Transport(self.take)
        connection.kwargs["transport_factory"] = connection.opening
        self._connecting.append(connection)
        return connection

    async def stop(self, *arguments: Any) -> None:  # noqa: ANN401 FastStream's own
        """Close the connection and every attempt to connect."""
        try:
            await self.unless_blocked(super().stop(*arguments))
        except BrokerBlockedError:
            # RabbitMQ would not answer that a consumer or a channel ends
            await self.begin_again()
        await self._close_all()

    async def connect_in_time(self) -> None:
        """Connect unless connected. From then on the connection is restored by itself.

        Raises:
            TimeoutError: RabbitMQ accepts no connection now.
        """
        async with asyncio.timeout(CONNECT_SECONDS):
            await self.connect()

    async def begin_again(self) -> None:
        """Forget an incomplete start. The next start makes a new connection."""
        # parts would remain: a channel without prefetch, a consumer that no subscriber knows
        self._channel = None
        self._connection = None
        self.config.disconnect()
        await self._close_all()

    async def _connect(self) -> RobustConnection:
        try:
            return await super()._connect()
        except BaseException:
            # an attempt that is given up would go on by itself
            await self.begin_again()
            raise

    async def _close_all(self) -> None:
        while self._connecting:
            await self._connecting[-1].close()
            self._connecting.pop()

    async def unless_blocked(self, call: Awaitable[T]) -> T:
        """The result of a call to RabbitMQ, unless RabbitMQ blocks the connection: then it reads nothing.

        Raises:
            BrokerBlockedError: It blocks this connection, or blocked it before the call ended.
        """
        calling = asyncio.ensure_future(call)
        # asyncio logs the error of a future that is dropped, unless it was read
        calling.add_done_callback(lambda done: done.cancelled() or done.exception())
        blocked = asyncio.ensure_future(self.blocked.wait())
        try:
            if not self.blocked.is_set():
                await asyncio.wait({calling, blocked}, return_when=asyncio.FIRST_COMPLETED)
            if calling.done():
                return calling.result()
            raise BrokerBlockedError(self.blocked_reason or "no reason given")
        finally:
            blocked.cancel()
            calling.cancel()

    def _listen(self, underlay: aiormq.abc.AbstractConnection) -> None:
        # a new connection is not blocked until RabbitMQ says so, and one that is lost is unavailable, not blocked
        self._unblock()
        underlay.closing.add_done_callback(lambda _: self._unblock())
        # aiormq hears these frames and tells only its log of them
        heard_blocked = getattr(underlay, _HANDLE_BLOCKED)
        heard_unblocked = getattr(underlay, _HANDLE_UNBLOCKED)

        async def on_blocked(frame: Any) -> None:  # noqa: ANN401 a frame of pamqp
            self.blocked_reason = str(frame.reason or "no reason given")
            self.blocked.set()
            BROKER_BLOCKED.set(1)
            log.warning("broker blocks publishing", reason=self.blocked_reason)
            await heard_blocked(frame)

        async def on_unblocked(frame: Any) -> None:  # noqa: ANN401
            log.info("broker takes jobs again", blocked_for=self.blocked_reason)
            self._unblock()
            await heard_unblocked(frame)

        setattr(underlay, _HANDLE_BLOCKED, on_blocked)
        setattr(underlay, _HANDLE_UNBLOCKED, on_unblocked)

    def _unblock(self) -> None:
        self.blocked_reason = None
        self.blocked.clear()
        BROKER_BLOCKED.set(0)


async def _parsed(raw: IncomingMessage) -> RabbitMessage:
    # FastStream's parser draws random ids for messages without one, and copies fields that Leopard does not read
    return RabbitMessage(
        raw_message=raw,
        body=raw.body,
        headers=raw.headers,
        content_type=raw.content_type,
        correlation_id=raw.message_id or "none",
    )


async def _undecoded(message: StreamMessage[Any]) -> StreamMessage[Any]:
    # handlers get the message itself: they acknowledge it, and say what is wrong with a body that does not parse
    return message


def silent_seconds(connection: RobustConnection) -> float:
    """The seconds since RabbitMQ last sent a frame, also a heartbeat. Deliveries count once a second."""
    underlay = connection.transport.connection if connection.transport else None
    if underlay is None:
        return float("inf")
    # aiormq keeps it for its heartbeats
    return underlay.loop.time() - float(getattr(underlay, _LAST_FRAME_TIME))


def connection_of(broker: RabbitBroker) -> RobustConnection:
    """The broker's connection, for calls that FastStream does not offer.

    Raises:
        ConnectionError: There is no connection now.
    """
    connection: RobustConnection | None = broker._connection  # noqa: SLF001 FastStream offers no other way to it
    if connection is None or not connection.connected.is_set():
        msg = "not connected to RabbitMQ"
        raise ConnectionError(msg)
    return connection


def wire_of(broker: RabbitBroker) -> Wire:
    """The stream of the broker's connection.

    Raises:
        ConnectionError: There is no connection now.
    """
    connection = connection_of(broker)
    if not isinstance(connection, _ListenedConnection) or connection.opening.wire is None:
        msg = "not connected to RabbitMQ"
        raise ConnectionError(msg)
    return connection.opening.wire
