"""The complete worker: takes jobs, sends messages, records results, and only then acknowledges."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from leopard.broker.connection import create_broker
from leopard.broker.jobs import MessageJob
from leopard.broker.queues import DEAD_LETTERS, ORIGIN_HEADER, REASON_HEADER, SENDS, SENDS_OF
from leopard.broker.topology import declare_topology
from leopard.db.pool import Connection
from leopard.domain.statuses import Channel
from leopard_local.environment import inherited_environment
from leopard_local.ports import free_port
from sender_worker.main import create_app
from sender_worker.settings import WorkerSettings
from support.factories import add_campaign, add_customers, add_messages, counts, rows, until


@asynccontextmanager
async def running(database_url: str, amqp_url: str, **settings: Any) -> AsyncIterator[None]:
    quick = {"mock_latency_min_seconds": 0, "mock_latency_max_seconds": 0.02, "mock_success_rate": 1}
    given = {"database_url": database_url, "amqp_url": amqp_url, **quick, **settings}
    app = create_app(WorkerSettings.model_validate(given))
    async with app.router.lifespan_context(app):
        yield


async def publish(amqp_url: str, *bodies: bytes, queue: str = SENDS.name) -> None:
    async with create_broker(amqp_url, service="tests", shutdown_seconds=1) as broker:
        await declare_topology(broker)
        for body in bodies:
            await broker.publish(body, queue, persist=True, content_type="application/json")


def job(message_id: int) -> bytes:
    return MessageJob(message_id=message_id, campaign_id=1, customer_id=1).model_dump_json().encode()


async def prepared(connection: Connection, count: int, *, template: str = "Hi {first_name}") -> list[int]:
    return await add_messages(
        connection, await add_campaign(connection, template=template), await add_customers(connection, count)
    )


OF_WHATSAPP = SENDS_OF[Channel.WHATSAPP].name


async def messages(connection: Connection) -> list[dict[str, Any]]:
    return await rows(connection, "SELECT * FROM outbound_messages ORDER BY id")


async def finished(connection: Connection, count: int) -> list[dict[str, Any]]:
    """All messages, once `count` of them are finished."""

    async def holds() -> bool:
        found = await messages(connection)
        return len([row for row in found if row["status"] != "pending" and row["next_attempt_at"] is None]) >= count

    await until(holds)
    return await messages(connection)


async def depth(amqp_url: str, queue: str) -> int:
    async with await aio_pika.connect(amqp_url) as connection:
        declared = await (await connection.channel()).declare_queue(queue, passive=True)
        return int(declared.declaration_result.message_count or 0)


async def is_empty(amqp_url: str, queue: str = SENDS.name) -> bool:
    return await depth(amqp_url, queue) == 0


async def test_every_job_sends_its_message(connection: Connection, database_url: str, amqp_url: str) -> None:
    ids = await prepared(connection, 300, template="Hi {first_name} 👋 {unknown}{last_name}")
    await publish(amqp_url, *map(job, ids))
    async with running(database_url, amqp_url):
        found = await finished(connection, 300)
    assert {row["status"] for row in found} == {"sent"}
    assert found[7]["rendered_content"] == "Hi Customer 7 👋 {unknown}"
    assert await counts(connection, 1) == {"total": 300, "sent": 300}
    assert await depth(amqp_url, SENDS.name) == 0


async def test_a_job_that_is_delivered_twice_sends_once(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    ids = await prepared(connection, 50)
    await publish(amqp_url, *map(job, ids * 3))
    async with running(database_url, amqp_url), running(database_url, amqp_url):
        await finished(connection, 50)
        await until(lambda: is_empty(amqp_url))
        await asyncio.sleep(0.5)
    assert await counts(connection, 1) == {"total": 50, "sent": 50}


async def retried(connection: Connection, times: int) -> bool:
    return (await counts(connection, 1)).get("retries", 0) >= times


async def test_a_failed_message_waits_in_the_database_and_not_in_the_queue(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    ids = await prepared(connection, 20)
    await publish(amqp_url, *map(job, ids))
    async with running(database_url, amqp_url, mock_success_rate=0, backoff_seconds=1000):
        await until(lambda: retried(connection, 20))
    found = await messages(connection)
    assert {(row["status"], row["retry_count"]) for row in found} == {("failed", 1)}
    assert {row["last_error"] for row in found} == {"the mock provider refused"}
    assert all(row["next_attempt_at"] for row in found)
    assert await depth(amqp_url, SENDS.name) == 0


async def attempted(connection: Connection, failures: int) -> bool:
    [row] = await rows(connection, "SELECT sum(retry_count) >= %s AS enough FROM outbound_messages", failures)
    return bool(row["enough"])


async def test_the_third_failure_is_the_last(connection: Connection, database_url: str, amqp_url: str) -> None:
    ids = await prepared(connection, 10)
    async with running(database_url, amqp_url, mock_success_rate=0, backoff_seconds=0.001):
        for attempt in range(3):
            await connection.execute("UPDATE outbound_messages SET status = 'pending', next_attempt_at = NULL")
            await publish(amqp_url, *map(job, ids))
            await until(partial(attempted, connection, 10 * (attempt + 1)))
        found = await finished(connection, 10)
    assert {(row["status"], row["retry_count"], row["next_attempt_at"]) for row in found} == {("failed", 3, None)}
    assert await counts(connection, 1) == {"total": 10, "failed": 10, "retries": 20}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not json", "JSON"),
        (b"{}", "message_id"),
        (b'{"message_id": "1", "campaign_id": 1, "customer_id": 1}', "message_id"),
        (b"\xff\x00", "JSON"),
        (b"", "JSON"),
    ],
)
async def test_a_job_that_does_not_parse_is_dead_lettered_with_the_reason(
    connection: Connection, database_url: str, amqp_url: str, body: bytes, reason: str
) -> None:
    [message_id] = await prepared(connection, 1)
    await publish(amqp_url, body, job(message_id))
    async with running(database_url, amqp_url):
        await finished(connection, 1)
    async with await aio_pika.connect(amqp_url) as broker:
        queue = await (await broker.channel()).declare_queue(DEAD_LETTERS.name, passive=True)
        dead = await queue.get(timeout=5)
        await dead.ack()
    assert dead.body == body
    assert reason in str(dead.headers[REASON_HEADER])
    assert await depth(amqp_url, SENDS.name) == 0


async def test_jobs_of_deleted_messages_are_dropped(connection: Connection, database_url: str, amqp_url: str) -> None:
    ids = await prepared(connection, 3)
    await publish(amqp_url, job(10**9), *map(job, ids))
    await connection.execute("DELETE FROM customers WHERE id = 2")
    async with running(database_url, amqp_url):
        await finished(connection, 2)
    assert await counts(connection, 1) == {"total": 2, "sent": 2}
    assert await depth(amqp_url, SENDS.name) == 0


async def test_an_unknown_field_in_a_job_is_ignored(connection: Connection, database_url: str, amqp_url: str) -> None:
    [message_id] = await prepared(connection, 1)
    body = {"message_id": message_id, "campaign_id": 1, "customer_id": 1, "added_later": {"deep": True}}
    await publish(amqp_url, json.dumps(body).encode())
    async with running(database_url, amqp_url):
        assert (await finished(connection, 1))[0]["status"] == "sent"


async def some_are_claimed(connection: Connection) -> bool:
    return any(row["claimed_until"] for row in await messages(connection))


async def test_messages_in_flight_are_finished_when_the_worker_stops(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    ids = await prepared(connection, 40)
    await publish(amqp_url, *map(job, ids))
    slow = {"mock_latency_min_seconds": 1, "mock_latency_max_seconds": 1.5, "prefetch": 10}
    async with running(database_url, amqp_url, **slow):
        await until(lambda: some_are_claimed(connection))
        claimed = {row["id"] for row in await messages(connection) if row["claimed_until"]}
    found = await messages(connection)
    done = [row for row in found if row["status"] == "sent"]
    assert {row["id"] for row in done} >= claimed
    assert len(done) < 40
    assert not any(row["claimed_until"] for row in found)
    assert await depth(amqp_url, SENDS.name) == 40 - len(done)


async def test_a_job_is_acknowledged_only_once_its_message_is_recorded(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    ids = await prepared(connection, 10)
    await publish(amqp_url, *map(job, ids))
    environment = {
        "LEOPARD_DATABASE_URL": database_url,
        "LEOPARD_AMQP_URL": amqp_url,
        "LEOPARD_HOST": "127.0.0.1",
        "LEOPARD_PORT": str(free_port()),
        "LEOPARD_MOCK_LATENCY_MIN_SECONDS": "30",
        "LEOPARD_MOCK_LATENCY_MAX_SECONDS": "30",
    }
    program = Path(sys.executable).with_name("sender-worker")
    worker = await asyncio.create_subprocess_exec(
        program, env={**inherited_environment(), **environment}, stdout=DEVNULL
    )
    await until(lambda: all_are_claimed(connection))
    assert await depth(amqp_url, SENDS.name) == 0
    worker.kill()
    await worker.wait()
    await until(lambda: holds(amqp_url, 10))


async def all_are_claimed(connection: Connection) -> bool:
    return all(row["claimed_until"] for row in await messages(connection))


async def holds(amqp_url: str, count: int) -> bool:
    return await depth(amqp_url, SENDS.name) == count


async def test_a_worker_of_one_channel_consumes_only_the_dedicated_queue(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    customers = await add_customers(connection, 20)
    sms = await add_messages(connection, await add_campaign(connection, channel="sms"), customers)
    whatsapp = await add_messages(connection, await add_campaign(connection, channel="whatsapp"), customers)
    await publish(amqp_url, *map(job, sms))
    await publish(amqp_url, *map(job, whatsapp), queue=OF_WHATSAPP)
    async with running(database_url, amqp_url, channel="whatsapp"):
        found = await finished(connection, 20)
    assert {row["id"] for row in found if row["status"] == "sent"} == set(whatsapp)
    assert await depth(amqp_url, OF_WHATSAPP) == 0
    assert await depth(amqp_url, SENDS.name) == 20


async def test_a_job_in_the_queue_of_another_channel_is_not_sent(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    customers = await add_customers(connection, 2)
    [stray] = await add_messages(connection, await add_campaign(connection, channel="sms"), customers[:1])
    [own] = await add_messages(connection, await add_campaign(connection, channel="whatsapp"), customers[1:])
    await publish(amqp_url, job(stray), job(own), b"not a job", queue=OF_WHATSAPP)
    async with running(database_url, amqp_url, channel="whatsapp"):
        await finished(connection, 1)
        await until(lambda: is_empty(amqp_url, OF_WHATSAPP))
    assert [(row["id"], row["status"], row["claimed_until"]) for row in await messages(connection)] == [
        (stray, "pending", None),
        (own, "sent", None),
    ]
    async with await aio_pika.connect(amqp_url) as broker:
        dead_letter = await (await (await broker.channel()).declare_queue(DEAD_LETTERS.name, passive=True)).get()
    assert dead_letter.headers[ORIGIN_HEADER] == OF_WHATSAPP
