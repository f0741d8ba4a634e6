"""A worker claims only what its provider can take, and acknowledges every job that it finished."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from aiormq.abc import AbstractChannel

from leopard.db.pool import Connection, Pool
from leopard.providers.contract import Accepted, OutgoingMessage, SendOutcome
from leopard.runtime.supervision import Supervisor
from sender_worker import gate as gates
from sender_worker.acks import Acks, HeldJob
from sender_worker.gate import Gate
from sender_worker.pipeline import Pipeline, PipelineRules
from sender_worker.results import RetryRules
from sender_worker.sending import Carrier
from support.factories import add_campaign, add_customers, add_messages, failures_of, rows, until

RULES = PipelineRules(batch_size=20, lease_seconds=60)
RETRY = RetryRules(1, 1, retry_unknown=True)


class WaitingProvider:
    """A provider that answers only after `answering` is set."""

    name = account = "waiting"

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.taken: list[int] = []
        self.at_a_time = 0
        self.most_at_a_time = 0
        self.answering = asyncio.Event()

    async def send(self, message: OutgoingMessage) -> SendOutcome:
        self.taken.append(message.message_id)
        self.at_a_time += 1
        self.most_at_a_time = max(self.most_at_a_time, self.at_a_time)
        await self.answering.wait()
        await asyncio.sleep(0.005)
        self.at_a_time -= 1
        return Accepted()

    async def close(self) -> None:
        """Nothing to close."""


class StoredAcks(Acks):
    """Stores acknowledgements instead of sending them."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[int] = []

    async def done(self, jobs: object) -> None:
        self.jobs += [job.message_id for job in jobs]  # type: ignore[attr-defined]


@asynccontextmanager
async def running(pool: Pool, provider: WaitingProvider, acks: Acks) -> AsyncIterator[Pipeline]:
    gate = Gate(pool, provider=provider, channels=())
    await gate.refresh()
    pipeline = Pipeline(pool, Carrier(provider, gate, RETRY), RULES, acks)
    supervisor = Supervisor()
    pipeline.supervise(supervisor)
    supervisor.start()
    try:
        yield pipeline
    finally:
        await pipeline.drain(10)
        await supervisor.stop(5)


@pytest.mark.parametrize("capacity", [1, 7, 30, 1000])
async def test_no_more_is_claimed_than_the_provider_takes(
    connection: Connection, pool: Pool, capacity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "START_WINDOW", 10_000)
    ids = await add_messages(connection, await add_campaign(connection), await add_customers(connection, 50))
    provider, acks = WaitingProvider(capacity), StoredAcks()
    async with running(pool, provider, acks) as pipeline:
        for message_id in ids:
            pipeline.take(held(message_id))
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


async def test_a_provider_gets_only_a_few_messages_at_first(connection: Connection, pool: Pool) -> None:
    ids = await add_messages(connection, await add_campaign(connection), await add_customers(connection, 100))
    provider, acks = WaitingProvider(1000), StoredAcks()
    async with running(pool, provider, acks) as pipeline:
        for message_id in ids:
            pipeline.take(held(message_id))

        async def some_taken() -> bool:
            return len(provider.taken) == gates.START_WINDOW

        await until(some_taken)
        await asyncio.sleep(0.2)
        assert len(provider.taken) == gates.START_WINDOW
        provider.answering.set()

        async def all_taken() -> bool:
            return len(provider.taken) == 100

        await until(all_taken)


async def test_jobs_that_wait_for_the_provider_stay_in_the_queue_when_the_worker_drains(
    connection: Connection, pool: Pool
) -> None:
    ids = await add_messages(connection, await add_campaign(connection), await add_customers(connection, 10))
    provider, acks = WaitingProvider(3), StoredAcks()
    async with running(pool, provider, acks) as pipeline:
        for message_id in ids:
            pipeline.take(held(message_id))

        async def three_are_taken() -> bool:
            return len(provider.taken) == 3

        await until(three_are_taken)
        draining = asyncio.create_task(pipeline.drain(10))
        await asyncio.sleep(0)
        provider.answering.set()
        async with asyncio.timeout(10):
            await draining
    assert sorted(acks.jobs) == sorted(provider.taken)
    found = await rows(connection, "SELECT status, claimed_until FROM outbound_messages")
    assert sorted(row["status"] for row in found) == ["pending"] * 7 + ["sent"] * 3
    assert not any(row["claimed_until"] for row in found)


def held(message_id: int) -> HeldJob:
    # the channel is not used, because acknowledgements are only stored here
    return HeldJob(message_id, AbstractChannel, message_id)  # type: ignore[arg-type]


class CancelledProvider(WaitingProvider):
    """A provider whose first call is cancelled."""

    async def send(self, message: OutgoingMessage) -> SendOutcome:
        self.taken.append(message.message_id)
        if len(self.taken) == 1:
            raise asyncio.CancelledError
        return Accepted()


async def test_a_cancelled_send_is_counted_and_its_job_is_acknowledged(connection: Connection, pool: Pool) -> None:
    ids = await add_messages(connection, await add_campaign(connection), await add_customers(connection, 3))
    provider, acks = CancelledProvider(10), StoredAcks()
    before = failures_of("send message")
    with structlog.testing.capture_logs() as logs:
        async with running(pool, provider, acks) as pipeline:
            for message_id in ids:
                pipeline.take(held(message_id))

            async def all_acknowledged() -> bool:
                return len(acks.jobs) == 3

            await until(all_acknowledged)
    assert failures_of("send message") - before == 1
    [error] = [log for log in logs if log["log_level"] == "error"]
    assert error["message_id"] == provider.taken[0]
    left = await rows(connection, "SELECT id FROM outbound_messages WHERE claimed_until IS NOT NULL")
    assert left == [{"id": provider.taken[0]}], "its lease ends, and the next claim reports an unknown outcome"


@pytest.mark.expects_tracebacks
async def test_the_job_of_a_send_that_is_cancelled_before_it_starts_is_acknowledged(
    connection: Connection, pool: Pool
) -> None:
    def cancelled(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, **options)
        if getattr(coroutine, "__name__", "") == "_send":
            task.cancel()
        return task

    ids = await add_messages(connection, await add_campaign(connection), await add_customers(connection, 1))
    acks = StoredAcks()
    async with running(pool, WaitingProvider(10), acks) as pipeline:
        asyncio.get_running_loop().set_task_factory(cancelled)
        pipeline.take(held(ids[0]))

        async def acknowledged() -> bool:
            return acks.jobs == ids

        await until(acknowledged)
