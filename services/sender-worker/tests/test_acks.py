"""Exactly the finished jobs are acknowledged, together or one by one."""

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
    """Jobs that a consumer holds. Each body is the job's number."""
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
    """The jobs that RabbitMQ still has after the consumer closed."""
    async with await aio_pika.connect(amqp_url) as connection:
        queue = await (await connection.channel()).declare_queue(SENDS.name, passive=True)
        await asyncio.sleep(0.3)
        numbers = set()
        while (message := await queue.get(fail=False)) is not None:
            await message.ack()
            numbers.add(int(message.body))
        return numbers


@pytest.mark.parametrize("seed", range(5))
async def test_unfinished_jobs_are_delivered_again(amqp_url: str, seed: int) -> None:
    chance = random.Random(seed)
    async with held_jobs(amqp_url) as held:
        acks = Acks()
        order = held.copy()
        chance.shuffle(order)
        undone = {job.message_id for job in order[:7]}
        waiting = order[7:]
        while waiting:
            size = chance.randrange(1, 12)
            batch, waiting = waiting[:size], waiting[size:]
            await acks.done(batch)
        await asyncio.sleep(0.3)
        assert not held[0].channel.is_closed, "the broker closes a channel on which a job is acknowledged twice"
    assert await left(amqp_url) == undone


async def test_concurrent_acknowledgements_do_not_conflict(amqp_url: str) -> None:
    async with held_jobs(amqp_url) as held:
        acks = Acks()
        # the first call acknowledges every other job one by one; the second closes the gaps with one ack
        await asyncio.gather(acks.done(held[1::2]), acks.done(held[0::2]))
        await asyncio.sleep(0.3)
        assert not held[0].channel.is_closed, "the broker closes a channel on which a job is acknowledged twice"
    assert await left(amqp_url) == set()


async def test_jobs_finished_in_order_are_all_acknowledged(amqp_url: str) -> None:
    async with held_jobs(amqp_url) as held:
        acks = Acks()
        for first in range(0, JOBS, 9):
            await acks.done(held[first : first + 9])
        await asyncio.sleep(0.3)
        assert not held[0].channel.is_closed
    assert await left(amqp_url) == set()


async def test_jobs_of_a_closed_connection_are_ignored(amqp_url: str) -> None:
    acks = Acks()
    async with held_jobs(amqp_url) as gone:
        await acks.done(gone[:10])
    await acks.done(gone[10:20])
    assert await left(amqp_url) == set(range(10, JOBS))
    async with held_jobs(amqp_url) as held:
        # a mix of jobs from the old and the new connection, as after a reconnect
        await acks.done([*gone[20:25], *held[3:6], held[0]])
        await asyncio.sleep(0.3)
        assert not held[0].channel.is_closed
    assert await left(amqp_url) == set(range(JOBS)) - {0, 3, 4, 5}


async def test_finished_jobs_wait_a_moment_for_an_earlier_one(amqp_url: str) -> None:
    async with held_jobs(amqp_url) as held:
        acks = Acks(most_waiting=30)
        await acks.done(held[1:31])
        await acks.done(held[:1])
        await acks.done(held[40:50])
    # the first 31 went with one ack; the others waited for an earlier job when the connection was lost
    assert await left(amqp_url) == set(range(31, JOBS))


async def test_waiting_jobs_are_acknowledged_when_they_are_many_or_wait_long(amqp_url: str) -> None:
    async with held_jobs(amqp_url) as held:
        acks = Acks(most_waiting=10)
        await acks.done(held[1:12])
        await acks.done(held[20:25])
        await acks.flush()
        await acks.done(held[30:35])
        await asyncio.sleep(0.3)
        assert not held[0].channel.is_closed, "the broker closes a channel on which a job is acknowledged twice"
    assert await left(amqp_url) == set(range(JOBS)) - {*range(1, 12), *range(20, 25)}


async def test_jobs_that_are_repeated_after_an_error_are_acknowledged_once(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with held_jobs(amqp_url) as held:
        acks = Acks()
        channel = held[0].channel
        create_future = channel.create_future

        def failing() -> asyncio.Future[None]:
            future: asyncio.Future[None] = create_future()
            future.set_exception(LookupError())
            return future

        monkeypatch.setattr(channel, "create_future", failing)
        with pytest.raises(LookupError):
            await acks.done(held[1:10])
        monkeypatch.undo()
        await acks.done(held[1:10])
        await acks.done(held[10:12])
        await asyncio.sleep(0.3)
        assert not channel.is_closed, "the broker closes a channel on which a job is acknowledged twice"
    assert await left(amqp_url) == {0, *range(12, JOBS)}
