"""Jobs that could not be done: looked at, put back, or dropped, from the command line.

Nothing is lost while one looks: letters are taken without being acknowledged, and go back when the channel closes.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from leopard.messaging import DEAD_LETTERS, ORIGIN_HEADER, REASON_HEADER, SENDS

_BROKERS_OWN: Final = ("x-death", "x-first-death", "x-last-death", "x-delivery-count", "x-acquired-count")

Choice = Callable[[int, AbstractIncomingMessage], bool]
"""Whether a letter is meant, by its place in the queue (from 1) and what it says."""


def reason_of(letter: AbstractIncomingMessage) -> str:
    """Why a job is here: what a worker wrote, or what RabbitMQ did."""
    if REASON_HEADER in letter.headers:
        return str(letter.headers[REASON_HEADER])
    deaths: Any = letter.headers.get("x-death") or [{}]
    return f"refused by the broker: {deaths[0].get('reason', 'unknown')}"


def _origin_of(letter: AbstractIncomingMessage) -> str:
    origin = letter.headers.get(ORIGIN_HEADER) or letter.headers.get("x-first-death-queue") or SENDS.name
    return str(origin)


@asynccontextmanager
async def _opened(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)


async def _letters(channel: AbstractChannel) -> AsyncIterator[AbstractIncomingMessage]:
    queue = await channel.declare_queue(DEAD_LETTERS.name, passive=True)
    # no more than were there at the start: what is put back and fails again must not be met twice
    for _ in range(queue.declaration_result.message_count or 0):
        letter = await queue.get(fail=False)
        if letter is None:
            return
        yield letter


async def count_by_reason(amqp_url: str) -> Counter[str]:
    """How many letters there are for each reason."""
    async with _opened(amqp_url) as channel:
        return Counter([reason_of(letter) async for letter in _letters(channel)])


async def show(amqp_url: str, limit: int) -> list[dict[str, Any]]:
    """The first letters: place, reason, headers and body."""
    shown: list[dict[str, Any]] = []
    async with _opened(amqp_url) as channel:
        async for letter in _letters(channel):
            if len(shown) == limit:
                break
            shown.append(
                {
                    "number": len(shown) + 1,
                    "reason": reason_of(letter),
                    "body": letter.body.decode(errors="backslashreplace"),
                    "headers": json.loads(json.dumps(letter.headers, default=str)),
                }
            )
    return shown


async def requeue(amqp_url: str, chosen: Choice) -> int:
    """Put letters back into the queues that they were taken from; how many.

    Each is gone from here only once the broker has confirmed it there.
    """
    moved = 0
    async with _opened(amqp_url) as channel:
        number = 0
        async for letter in _letters(channel):
            number += 1
            if not chosen(number, letter):
                continue
            headers = {
                name: value
                for name, value in letter.headers.items()
                if name not in (REASON_HEADER, ORIGIN_HEADER) and not name.startswith(_BROKERS_OWN)
            }
            job = aio_pika.Message(
                letter.body,
                headers=headers,
                content_type=letter.content_type,
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            )
            await channel.default_exchange.publish(job, _origin_of(letter), mandatory=True)
            await letter.ack()
            moved += 1
    return moved


async def drop(amqp_url: str, chosen: Choice) -> int:
    """Drop letters for good; how many."""
    dropped = 0
    async with _opened(amqp_url) as channel:
        number = 0
        async for letter in _letters(channel):
            number += 1
            if chosen(number, letter):
                await letter.ack()
                dropped += 1
    return dropped
