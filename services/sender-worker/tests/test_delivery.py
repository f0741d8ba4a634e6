"""A worker claims what its provider can take, and nothing that would have to wait."""

import asyncio

import pytest
from aiormq.abc import AbstractChannel

from leopard.db.pool import Connection, Pool
from leopard.testing import add_campaign, add_customers, add_messages, rows, until
from sender_worker.acks import Acks, HeldJob
from sender_worker.delivery import Delivery, DeliveryRules
from sender_worker.providers.provider import Accepted, Answer, OutgoingMessage
from sender_worker.results import RetryRules

RULES = DeliveryRules(batch_size=20, lease_seconds=60, retry=RetryRules(1, 1, retry_unknown=True))


class Unhurried:
    """Takes a few messages at a time, and answers when it is told to."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.taken: list[int] = []
        self.at_a_time = 0
        self.most_at_a_time = 0
        self.answering = asyncio.Event()

    async def send(self, message: OutgoingMessage) -> Answer:
        self.taken.append(message.message_id)
        self.at_a_time += 1
        self.most_at_a_time = max(self.most_at_a_time, self.at_a_time)
        await self.answering.wait()
        await asyncio.sleep(0.005)
        self.at_a_time -= 1
        return Accepted()

    async def close(self) -> None:
        """Nothing is held."""


class Acknowledged(Acks):
    """Remembers what a broker would have been told."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[int] = []

    async def done(self, jobs: object) -> None:
        self.jobs += [job.message_id for job in jobs]  # type: ignore[attr-defined]


@pytest.mark.parametrize("capacity", [1, 7, 30, 1000])
async def test_no_more_is_claimed_than_the_provider_takes(connection: Connection, pool: Pool, capacity: int) -> None:
    ids = await add_messages(connection, await add_campaign(connection), await add_customers(connection, 50))
    provider, acks = Unhurried(capacity), Acknowledged()
    delivery = Delivery(pool, provider, RULES, acks)
    running = asyncio.create_task(delivery.run())
    for message_id in ids:
        delivery.take(held(message_id))
    expected = min(capacity, 50)

    async def all_taken() -> bool:
        return len(provider.taken) == expected

    await until(all_taken)
    await asyncio.sleep(0.1)
    [claimed] = await rows(connection, "SELECT count(*) FROM outbound_messages WHERE claimed_until IS NOT NULL")
    assert claimed["count"] == len(provider.taken) == expected
    provider.answering.set()

    async def all_acknowledged() -> bool:
        return len(acks.jobs) == 50

    await until(all_acknowledged)
    assert provider.most_at_a_time <= capacity
    assert sorted(provider.taken) == sorted(acks.jobs) == sorted(ids)
    delivery.drain()
    await running


async def test_what_waits_for_the_provider_is_let_go_when_the_worker_drains(connection: Connection, pool: Pool) -> None:
    ids = await add_messages(connection, await add_campaign(connection), await add_customers(connection, 10))
    provider, acks = Unhurried(3), Acknowledged()
    delivery = Delivery(pool, provider, RULES, acks)
    running = asyncio.create_task(delivery.run())
    for message_id in ids:
        delivery.take(held(message_id))

    async def three_are_taken() -> bool:
        return len(provider.taken) == 3

    await until(three_are_taken)
    delivery.drain()
    provider.answering.set()
    async with asyncio.timeout(10):
        await running
    assert sorted(acks.jobs) == sorted(provider.taken)
    found = await rows(connection, "SELECT status, claimed_until FROM outbound_messages")
    assert sorted(row["status"] for row in found) == ["pending"] * 7 + ["sent"] * 3
    assert not any(row["claimed_until"] for row in found)


def held(message_id: int) -> HeldJob:
    # nobody asks for the channel: what is acknowledged is only remembered here
    return HeldJob(message_id, AbstractChannel, message_id)  # type: ignore[arg-type]
