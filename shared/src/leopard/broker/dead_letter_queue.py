"""The queue of dead letters, walked through without losing one.

RabbitMQ counts how often a letter was read and handed back, and version 4 drops it after twenty times. So nothing is
handed back: a letter that stays goes to the end of the queue as a copy, and is acknowledged once RabbitMQ has
confirmed the copy. After a whole walk the order is what it was. A process that ends between the two leaves a letter
twice. That does no harm: of two jobs for one message a worker claims one.
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
from leopard.broker.letters import Letter, job_properties, kept_properties
from leopard.broker.queues import DEAD_LETTERS
from leopard.store_errors import describe_broker_error, is_final_broker_error
from leopard.telemetry.logs import get_logger
from leopard.waiting import Patience

log = get_logger(__name__)

LOCK: Final = f"{DEAD_LETTERS.name}.lock"
"""An exclusive queue: two who walk at once would each see a part of the letters."""

AT_A_TIME: Final = 100
_CONNECT_SECONDS: Final = 5
_CONFIRM_SECONDS: Final = 20
_LOCK_SECONDS: Final = 3
_CLOSE_SECONDS: Final = 5


class DeadLetterError(Exception):
    """The letters cannot be walked through, or one cannot be put back; says why."""


class Fate(StrEnum):
    """What becomes of a letter."""

    KEPT = "kept"
    PUT_BACK = "put back"
    DROPPED = "dropped"


Decide = Callable[[int, Letter], Fate]
"""What becomes of a letter, by its place in the queue (from 1) and what it says."""


async def walk(amqp_url: str, decide: Decide, *, wait_seconds: float) -> Counter[Fate]:
    """Decide about each letter that is in the queue now; how many met which fate.

    A letter whose own queue is gone is kept, whatever was decided.

    Args:
        amqp_url: An AMQP 0-9-1 URL.
        decide: Asked once for each letter, in order.
        wait_seconds: How long to wait for a RabbitMQ that does not answer yet.

    Raises:
        DeadLetterError: Another command walks through the letters, RabbitMQ takes no messages, or a queue is gone.
        aio_pika.exceptions.AMQPError, OSError: RabbitMQ is away, refuses, or did not confirm a copy.
    """
    async with _connected(amqp_url, wait_seconds) as connection:
        await _lock(connection)
        # no more than were there at the start, so that no copy is met
        count = await _count(connection, DEAD_LETTERS.name)
        if count is None:
            raise DeadLetterError("RabbitMQ has no queue of dead letters; no service has run yet")
        opened = connection.channel(publisher_confirms=True, on_return_raises=True)
        await opened.initialize()
        channel = cast("aiormq.Channel", await opened.get_underlay_channel())
        if count:
            await _see_that_it_takes_messages(channel)
        return await _walk(connection, channel, count, decide)


@asynccontextmanager
async def _connected(amqp_url: str, wait_seconds: float) -> AsyncIterator[AbstractConnection]:
    connection = await _connect(amqp_url, Patience(wait_seconds))
    try:
        yield connection
    finally:
        # a RabbitMQ that takes no messages reads nothing, not even that we leave
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
    # the lock of a command that has just ended goes a moment after its connection
    patience = Patience(_LOCK_SECONDS)
    while not await _is_locked(connection):
        pause = patience.pause("another leopard dead-letters is running")
        if pause is None:
            raise DeadLetterError("another leopard dead-letters is running; only one may look at a time")
        await asyncio.sleep(pause)


async def _is_locked(connection: AbstractConnection) -> bool:
    try:
        async with connection.channel(publisher_confirms=False) as channel:
            await channel.declare_queue(LOCK, exclusive=True)
    except ChannelLockedResource:
        return False
    except ChannelAccessRefused:
        log.warning("no lock: this user may not declare queues; take care that no other command runs", queue=LOCK)
    return True


async def _count(connection: AbstractConnection, queue: str) -> int | None:
    """How many messages wait in a queue; null where it does not exist."""
    try:
        async with connection.channel(publisher_confirms=False) as channel:
            declared = await channel.declare_queue(queue, passive=True)
            return declared.declaration_result.message_count or 0
    except ChannelNotFoundEntity:
        return None


async def _see_that_it_takes_messages(channel: aiormq.Channel) -> None:
    # before a letter is touched: one that cannot be copied is handed back, and that is counted
    try:
        async with asyncio.timeout(_CONFIRM_SECONDS / 2):
            await channel.basic_publish(b"", routing_key=LOCK, mandatory=False)
            # it takes the first one all the same, and reads nothing after that
            await channel.basic_qos(prefetch_count=AT_A_TIME)
    except TimeoutError:
        raise DeadLetterError(
            "RabbitMQ takes no messages at the moment, for want of memory or disk perhaps; no letter was touched"
        ) from None


async def _walk(connection: AbstractConnection, channel: aiormq.Channel, count: int, decide: Decide) -> Counter[Fate]:
    fates: Counter[Fate] = Counter()
    existing: dict[str, bool] = {DEAD_LETTERS.name: True}
    number = 0
    while number < count:
        batch: list[tuple[Letter, Fate]] = []
        for letter in await _next(channel, min(AT_A_TIME, count - number)):
            number += 1
            fate = decide(number, letter)
            if fate is Fate.PUT_BACK and letter.origin not in existing:
                existing[letter.origin] = await _count(connection, letter.origin) is not None
            if fate is Fate.PUT_BACK and not existing[letter.origin]:
                fate = Fate.KEPT
            batch.append((letter, fate))
        if not batch:
            break
        await _settle(channel, batch)
        fates.update(fate for _, fate in batch)
    missing = sorted(name for name, exists in existing.items() if not exists)
    if missing:
        raise DeadLetterError(
            f"{fates[Fate.PUT_BACK]} put back; the others are kept, because their queue is gone: {', '.join(missing)}"
        )
    return fates


async def _next(channel: aiormq.Channel, most: int) -> list[Letter]:
    """The next letters, not acknowledged."""
    letters: list[Letter] = []
    while len(letters) < most:
        message = await channel.basic_get(DEAD_LETTERS.name, timeout=_CONFIRM_SECONDS)
        got = message.delivery
        if not isinstance(got, Basic.GetOk) or got.delivery_tag is None:
            break
        letters.append(Letter(message.body, message.header.properties, got.delivery_tag))
    return letters


async def _settle(channel: aiormq.Channel, batch: Sequence[tuple[Letter, Fate]]) -> None:
    """Publish what stays or goes back, and acknowledge each letter once that is confirmed."""
    for run in _runs(batch):
        async with asyncio.timeout(_CONFIRM_SECONDS):
            results = await asyncio.gather(*(_publish(channel, *one) for one in run), return_exceptions=True)
        for (letter, _), result in zip(run, results, strict=True):
            if result is None:
                await channel.basic_ack(letter.tag)
        for result in results:
            if result is not None:
                raise result


def _runs(batch: Sequence[tuple[Letter, Fate]]) -> Iterator[Sequence[tuple[Letter, Fate]]]:
    """The letters in order, cut where a message id comes again: by that the client finds what RabbitMQ returns."""
    run: list[tuple[Letter, Fate]] = []
    ids: set[str] = set()
    for letter, fate in batch:
        message_id = letter.properties.message_id
        if message_id in ids:
            yield run
            run, ids = [], set()
        if message_id:
            ids.add(message_id)
        run.append((letter, fate))
    yield run


async def _publish(channel: aiormq.Channel, letter: Letter, fate: Fate) -> None:
    if fate is Fate.DROPPED:
        return
    if fate is Fate.KEPT:
        queue, properties = DEAD_LETTERS.name, kept_properties(letter)
    else:
        queue, properties = letter.origin, job_properties(letter)
    await channel.basic_publish(letter.body, routing_key=queue, properties=properties, mandatory=True, wait=False)
