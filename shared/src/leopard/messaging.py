"""The queues and how a process is connected to RabbitMQ: declared here, once, for everybody."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import aiormq
from aio_pika import IncomingMessage, RobustConnection
from aio_pika.abc import AbstractChannel
from faststream import StreamMessage
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitMessage, RabbitQueue

from leopard.domain.statuses import Channel as CampaignChannel
from leopard.logs import get_logger

log = get_logger(__name__)

DEAD_LETTERS: Final = RabbitQueue("campaign_sends.dead", queue_type=QueueType.QUORUM, durable=True)
"""Jobs that cannot be done, each with its reason in the header `x-leopard-reason` or in RabbitMQ's own `x-death`."""


def _queue_of_jobs(name: str) -> RabbitQueue:
    return RabbitQueue(
        name,
        queue_type=QueueType.QUORUM,
        durable=True,
        arguments={
            "x-delivery-limit": 20,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": DEAD_LETTERS.name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )


SENDS: Final = _queue_of_jobs("campaign_sends")
"""One job for each message that can be sent now."""

SENDS_OF: Final = {channel: _queue_of_jobs(f"{SENDS.name}.{channel}") for channel in CampaignChannel}
"""The same for a channel that has workers of its own."""

NUDGES: Final = RabbitQueue("dispatcher.nudges", durable=True, arguments={"x-max-length": 100, "x-message-ttl": 10_000})
"""Hints that a campaign was sent; losing one costs a poll interval."""

QUEUES: Final = (DEAD_LETTERS, SENDS, *SENDS_OF.values(), NUDGES)

REASON_HEADER: Final = "x-leopard-reason"
ORIGIN_HEADER: Final = "x-leopard-queue"
"""The queue that a dead letter was taken from, where RabbitMQ does not say it itself."""


def create_broker(amqp_url: str, *, service: str, shutdown_seconds: float) -> RabbitBroker:
    """A broker that connects in the background, comes back by itself, and logs a line a change of state.

    Args:
        amqp_url: An AMQP 0-9-1 URL.
        service: The name that RabbitMQ shows for the connection.
        shutdown_seconds: How long running handlers may take once it is stopped.
    """
    away = False

    def closed(_connection: Any, error: BaseException | None) -> None:  # noqa: ANN401 aio-pika's callback
        nonlocal away
        # a connection that we end ourselves says that it was cancelled; every failed attempt to come back closes again
        if error is not None and not isinstance(error, asyncio.CancelledError) and not away:
            away = True
            log.warning("RabbitMQ is away", error=type(error).__name__)

    def reconnected(_connection: Any) -> None:  # noqa: ANN401
        nonlocal away
        away = False
        log.info("RabbitMQ is back")

    return RabbitBroker(
        amqp_url,
        client_properties={"connection_name": service},  # type: ignore[arg-type]
        timeout=5,
        fail_fast=False,
        # a jitter of its own for each process, so that a restarted broker is not stormed
        reconnect_interval=random.uniform(1, 3),  # noqa: S311
        on_close=[closed],
        on_reconnected=[reconnected],
        default_channel=Channel(on_return_raises=True),
        graceful_timeout=shutdown_seconds,
        parser=_parsed,
        decoder=_undecoded,
        logger=logging.getLogger(__name__),
        log_level=logging.DEBUG,
        apply_types=False,
    )


async def _parsed(raw: IncomingMessage) -> RabbitMessage:
    # FastStream's own draws random ids for each message that has none, and copies what nobody here reads
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


def connection_of(broker: RabbitBroker) -> RobustConnection:
    """The broker's connection, for what FastStream has no call for.

    Raises:
        ConnectionError: There is none at this moment.
    """
    connection: RobustConnection | None = broker._connection  # noqa: SLF001 FastStream offers no other way to it
    if connection is None or not connection.connected.is_set():
        msg = "not connected to RabbitMQ"
        raise ConnectionError(msg)
    return connection


async def declare_topology(broker: RabbitBroker) -> None:
    """Declare every queue; does nothing where they exist.

    Raises:
        aio_pika.exceptions.ChannelPreconditionFailed: A queue exists with other arguments.
        ConnectionError: There is no connection at this moment.
    """
    # on a channel of its own: FastStream remembers what it declared and would not do it again
    async with connection_of(broker).channel(publisher_confirms=False) as channel:
        for queue in QUEUES:
            await channel.declare_queue(queue.name, durable=queue.durable, arguments=queue.arguments, robust=False)


class OwnChannel:
    """A channel for what FastStream has no call for: opened when it is first needed, and again when it was lost."""

    def __init__(self, broker: RabbitBroker, *, confirms: bool = False) -> None:
        self._broker = broker
        self._confirms = confirms
        self._channel: AbstractChannel | None = None

    async def underlay(self) -> aiormq.Channel:
        """The channel as aiormq has it, without the layer that aio-pika puts around each message.

        Raises:
            ConnectionError, aio_pika.exceptions.AMQPError: There is no connection at this moment.
        """
        connection = connection_of(self._broker)
        if self._channel is None or self._channel.is_closed:
            channel = connection.channel(publisher_confirms=self._confirms, on_return_raises=self._confirms)
            await channel.initialize()
            self._channel = channel
        return cast("aiormq.Channel", await self._channel.get_underlay_channel())


def broker_check(broker: RabbitBroker) -> Callable[[], Awaitable[None]]:
    """A check that asks RabbitMQ for an answer over the connection that is there.

    The check raises when there is no connection; the caller limits its time.
    """
    channel = OwnChannel(broker)

    async def check() -> None:
        await (await channel.underlay()).basic_qos(prefetch_count=1)

    return check
