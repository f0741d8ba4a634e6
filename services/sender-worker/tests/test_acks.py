"""What is acknowledged, together or alone, is what was done: no job more and no job less."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from leopard.broker.queues import SENDS
from sender_worker.acks import Acks, HeldJob
from support.factories import until

JOBS = 60


@asynccontextmanager
async def held_jobs(amqp_url: str) -> AsyncIterator[list[HeldJob]]:
    """Jobs that a consumer holds; their bodies are their numbers."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(SENDS.name, durable=True, arguments=SENDS.arguments)
        for number in range(JOBS):
            await channel.default_exchange.publish(aio_pika.Message(b"%d" % number), SENDS.name)
        held: list[HeldJob] = []

        async def hold(message: AbstractIncomingMessage) -> None:
            assert message.delivery_tag is not None
            held.append(HeldJob(int(message.body), message.channel, message.delivery_tag))

        await queue.consume(hold)
        await until(lambda: all_held(held))
        yield held


async def all_held(held: list[HeldJob]) -> bool:
    return len(held) >= JOBS


async def left(amqp_url: str) -> set[int]:
    """What the broker still has once the consumer is gone."""
    async with await aio_pika.connect(amqp_url) as connection:
        queue = await (await connection.channel()).declare_queue(SENDS.name, passive=True)
        await asyncio.sleep(0.3)
        numbers = set()
        while (message := await queue.get(fail=False)) is not None:
            await message.ack()
            numbers.add(int(message.body))
        return numbers


@pytest.mark.parametrize("seed", range(5))
async def test_what_was_not_done_comes_again(amqp_url: str, seed: int) -> None:
    luck = random.Random(seed)
    async with held_jobs(amqp_url) as held:
        acks = Acks()
        order = held.copy()
        luck.shuffle(order)
        undone = {job.message_id for job in order[:7]}
        waiting = order[7:]
        while waiting:
            size = luck.randrange(1, 12)
            batch, waiting = waiting[:size], waiting[size:]
            await acks.done(batch)
        await asyncio.sleep(0.3)
        assert not held[0].channel.is_closed, "the broker closes a channel on which a job is acknowledged twice"
    assert await left(amqp_url) == undone


async def test_two_who_acknowledge_at_once_do_not_get_in_each_others_way(amqp_url: str) -> None:
    async with held_jobs(amqp_url) as held:
        acks = Acks()
        # every other job one by one, while the rest completes them to one acknowledgement for all
        await asyncio.gather(acks.done(held[1::2]), acks.done(held[0::2]))
        await asyncio.sleep(0.3)
        assert not held[0].channel.is_closed, "the broker closes a channel on which a job is acknowledged twice"
    assert await left(amqp_url) == set()


async def test_jobs_done_in_order_leave_nothing(amqp_url: str) -> None:
    async with held_jobs(amqp_url) as held:
        acks = Acks()
        for first in range(0, JOBS, 9):
            await acks.done(held[first : first + 9])
        await asyncio.sleep(0.3)
        assert not held[0].channel.is_closed
    assert await left(amqp_url) == set()


async def test_jobs_of_a_connection_that_is_gone_are_let_go(amqp_url: str) -> None:
    acks = Acks()
    async with held_jobs(amqp_url) as gone:
        await acks.done(gone[:10])
    await acks.done(gone[10:20])
    assert await left(amqp_url) == set(range(10, JOBS))
    async with held_jobs(amqp_url) as held:
        # some of an old connection among those of a new one, as after a reconnect
        await acks.done([*gone[20:25], *held[3:6], held[0]])
        await asyncio.sleep(0.3)
        assert not held[0].channel.is_closed
    assert await left(amqp_url) == set(range(JOBS)) - {0, 3, 4, 5}
