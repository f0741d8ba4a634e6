"""The dead letter queue: a walk over all dead letters that loses none.

RabbitMQ counts how often a message is delivered and requeued, and version 4 drops it after twenty times. So the walk
requeues nothing. It publishes a copy of a kept dead letter to the end of the queue, and acknowledges the original once
RabbitMQ confirmed the copy. A complete walk keeps the order. A process that dies between the two steps leaves a
duplicate. Duplicates do no harm: workers claim each message once.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from typing import Final, cast

import aio_pika
import aiormq
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity
from aiormq.exceptions import ChannelAccessRefused, ChannelLockedResource
from pamqp.commands import Basic

from leopard.broker.connection import BROKER_UNAVAILABLE
from leopard.broker.dead_letter import DeadLetter, job_properties, kept_properties
from leopard.broker.queues import DEAD_LETTERS
from leopard.store_errors import describe_broker_error, is_final_broker_error
from leopard.telemetry.logs import get_logger
from leopard.waiting import Patience

log = get_logger(__name__)

LOCK: Final = f"{DEAD_LETTERS.name}.lock"
"""An exclusive queue. Two concurrent walks would each see only a part of the dead letters."""

AT_A_TIME: Final = 100
_CONNECT_SECONDS: Final = 5
_CONFIRM_SECONDS: Final = 20
_LOCK_SECONDS: Final = 3
_CLOSE_SECONDS: Final = 5


class DeadLetterError(Exception):
    """The walk is not possible, or a dead letter cannot be put back; says why."""


class Fate(StrEnum):
    """What the walk does with a dead letter."""

    KEPT = "kept"
    PUT_BACK = "put back"
    DROPPED = "dropped"


Decide = Callable[[int, DeadLetter], Fate]
"""Decides the fate of a dead letter by its position in the queue (from 1) and its content."""


async def walk(amqp_url: str, decide: Decide, *, wait_seconds: float) -> Counter[Fate]:
    """Apply `decide` to each dead letter that is in the queue now; returns the count of each fate.

    A dead letter whose original queue no longer exists is always kept.

    Args:
        amqp_url: An AMQP 0-9-1 URL.
        decide: Called once for each dead letter, in order.
        wait_seconds: How long to wait for RabbitMQ to answer.

    Raises:
        DeadLetterError: Another command is running, RabbitMQ accepts no messages, or a queue does not exist.
        aio_pika.exceptions.AMQPError, OSError: RabbitMQ is unavailable, refuses, or did not confirm a copy.
    """
    async with _connected(amqp_url, wait_seconds) as connection:
        await _lock(connection)
        # only as many as there are at the start, so that the walk never reaches a copy
        count = await _count(connection, DEAD_LETTERS.name)
        if count is None:
            raise DeadLetterError("the dead letter queue does not exist; no service has run yet")
        opened = connection.channel(publisher_confirms=True, on_return_raises=True)
        await opened.initialize()
        channel = cast("aiormq.Channel", await opened.get_underlay_channel())
        if count:
            await _check_that_messages_are_accepted(channel)
        return await _walk(connection, channel, count, decide)


@asynccontextmanager
async def _connected(amqp_url: str, wait_seconds: float) -> AsyncIterator[AbstractConnection]:
    connection = await _connect(amqp_url, Patience(wait_seconds))
    try:
        yield connection
    finally:
        # a RabbitMQ that blocks publishing reads nothing, not even our request to close
        with suppress(TimeoutError, *BROKER_UNAVAILABLE):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await connection.close()


async def _connect(amqp_url: str, patience: Patience) -> AbstractConnection:
    while True:
        try:
            return await aio_pika.connect(amqp_url, timeout=_CONNECT_SECONDS)
        except (*BROKER_UNAVAILABLE, OSError) as error:
            if is_final_broker_error(error):
                raise
            pause = patience.pause(describe_broker_error(error, amqp_url))
            if pause is None:
                raise
            await asyncio.sleep(pause)


async def _lock(connection: AbstractConnection) -> None:
    # RabbitMQ removes the lock shortly after the connection of the last command has closed
    patience = Patience(_LOCK_SECONDS)
    while not await _is_locked(connection):
        pause = patience.pause("another leopard dead-letters is running")
        if pause is None:
            raise DeadLetterError("another leopard dead-letters is running; only one may run at a time")
        await asyncio.sleep(pause)


async def _is_locked(connection: AbstractConnection) -> bool:
    try:
        async with connection.channel(publisher_confirms=False) as channel:
            await channel.declare_queue(LOCK, exclusive=True)
    except ChannelLockedResource:
        return False
    except ChannelAccessRefused:
        log.warning("no lock: this user may not declare queues; make sure that no other command runs", queue=LOCK)
    return True


async def _count(connection: AbstractConnection, queue: str) -> int | None:
    """The number of messages in a queue; None if the queue does not exist."""
    try:
        async with connection.channel(publisher_confirms=False) as channel:
            declared = await channel.declare_queue(queue, passive=True)
            return declared.declaration_result.message_count or 0
    except ChannelNotFoundEntity:
        return None


async def _check_that_messages_are_accepted(channel: aiormq.Channel) -> None:
    # before reading a dead letter: one that cannot be copied is requeued, and RabbitMQ counts that
    try:
        async with asyncio.timeout(_CONFIRM_SECONDS / 2):
            await channel.basic_publish(b"", routing_key=LOCK, mandatory=False)
            # a blocked RabbitMQ still takes the first message, but does not read this next frame
            await channel.basic_qos(prefetch_count=AT_A_TIME)
    except TimeoutError:
        raise DeadLetterError(
            "RabbitMQ accepts no messages now, perhaps because memory or disk is short; no dead letter was changed"
        ) from None


async def _walk(connection: AbstractConnection, channel: aiormq.Channel, count: int, decide: Decide) -> Counter[Fate]:
    fates: Counter[Fate] = Counter()
    existing: dict[str, bool] = {DEAD_LETTERS.name: True}
    number = 0
    while number < count:
        batch: list[tuple[DeadLetter, Fate]] = []
        for dead_letter in await _next(channel, min(AT_A_TIME, count - number)):
            number += 1
            fate = decide(number, dead_letter)
            if fate is Fate.PUT_BACK and dead_letter.origin not in existing:
                existing[dead_letter.origin] = await _count(connection, dead_letter.origin) is not None
            if fate is Fate.PUT_BACK and not existing[dead_letter.origin]:
                fate = Fate.KEPT
            batch.append((dead_letter, fate))
        if not batch:
            break
        await _settle(channel, batch)
        fates.update(fate for _, fate in batch)
    missing = sorted(name for name, exists in existing.items() if not exists)
    if missing:
        raise DeadLetterError(
            f"{fates[Fate.PUT_BACK]} put back; the others are kept because their queue does not exist:"
            f" {', '.join(missing)}"
        )
    return fates


async def _next(channel: aiormq.Channel, most: int) -> list[DeadLetter]:
    """The next dead letters, not acknowledged yet."""
    dead_letters: list[DeadLetter] = []
    while len(dead_letters) < most:
        message = await channel.basic_get(DEAD_LETTERS.name, timeout=_CONFIRM_SECONDS)
        got = message.delivery
        if not isinstance(got, Basic.GetOk) or got.delivery_tag is None:
            break
        dead_letters.append(DeadLetter(message.body, message.header.properties, got.delivery_tag))
    return dead_letters


async def _settle(channel: aiormq.Channel, batch: Sequence[tuple[DeadLetter, Fate]]) -> None:
    """Publish copies of dead letters that are kept or put back. Acknowledge each once its copy is confirmed."""
    for run in _runs(batch):
        async with asyncio.timeout(_CONFIRM_SECONDS):
            results = await asyncio.gather(*(_publish(channel, *one) for one in run), return_exceptions=True)
        for (dead_letter, _), result in zip(run, results, strict=True):
            if result is None:
                await channel.basic_ack(dead_letter.tag)
        for result in results:
            if result is not None:
                raise result


def _runs(batch: Sequence[tuple[DeadLetter, Fate]]) -> Iterator[Sequence[tuple[DeadLetter, Fate]]]:
    """The batch in order, split where a message id repeats: the client finds returned messages by their id."""
    run: list[tuple[DeadLetter, Fate]] = []
    ids: set[str] = set()
    for dead_letter, fate in batch:
        message_id = dead_letter.properties.message_id
        if message_id in ids:
            yield run
            run, ids = [], set()
        if message_id:
            ids.add(message_id)
        run.append((dead_letter, fate))
    yield run


async def _publish(channel: aiormq.Channel, dead_letter: DeadLetter, fate: Fate) -> None:
    if fate is Fate.DROPPED:
        return
    if fate is Fate.KEPT:
        queue, properties = DEAD_LETTERS.name, kept_properties(dead_letter)
    else:
        queue, properties = dead_letter.origin, job_properties(dead_letter)
    await channel.basic_publish(dead_letter.body, routing_key=queue, properties=properties, mandatory=True, wait=False)
