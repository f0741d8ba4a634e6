"""Undeclarable and deleted queues are reported. Work continues once the cause is fixed."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import pytest
from faststream.rabbit import RabbitQueue
from starlette.applications import Starlette
from structlog.testing import capture_logs
from structlog.typing import EventDict

from leopard.broker import consuming
from leopard.broker.connection import connection_of
from leopard.broker.queues import DEAD_LETTERS, PERSONALIZED, QUEUES, SENDS
from leopard.db.pool import Connection
from support.factories import until
from support.stores import Backend
from troubles.scripted import ScriptedProvider, scripted_provider
from troubles.services import answer_of, campaign_of, readiness, services, statuses, until_finished, until_ready


@asynccontextmanager
async def channel(amqp_url: str) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as opened:
        yield opened


async def depth(amqp_url: str, queue: RabbitQueue) -> int:
    async with channel(amqp_url) as opened:
        declared = await opened.declare_queue(queue.name, passive=True)
        return declared.declaration_result.message_count or 0


async def declare(amqp_url: str, queues: Sequence[RabbitQueue]) -> None:
    async with channel(amqp_url) as opened:
        for queue in queues:
            await opened.declare_queue(queue.name, durable=queue.durable, arguments=queue.arguments)


async def until_not_ready(apps: list[Starlette], reason: str, *, in_health: bool = True) -> None:
    """Wait until every service is not ready for only this reason. Check that its health shows the reason."""

    async def not_ready() -> bool:
        answers = [await readiness(app) for app in apps]
        return all(
            status == 503 and [one.startswith(reason) for one in reasons] == [True] for status, reasons in answers
        )

    await until(not_ready)
    for app in apps if in_health else ():
        _, health = await answer_of(app, "/health")
        assert health["services"]["queue"] == "connected"
        assert health["notes"]["queue"].startswith(reason)


def lines_about(logs: Sequence[EventDict], reason: str) -> list[EventDict]:
    return [line for line in logs if reason in str(line.get("reason"))]


async def test_services_report_a_queue_of_another_type_and_wait_for_its_deletion(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    async with channel(amqp_url) as opened:
        await opened.declare_queue(SENDS.name, durable=True)
    reason = f"queue {SENDS.name} cannot be declared: PRECONDITION_FAILED"
    with capture_logs() as logs:
        async with scripted_provider() as provider, services(database_url, amqp_url, url=provider.url) as apps:
            await until_not_ready(apps, reason)
            assert [line["event"] for line in lines_about(logs, reason)] == [
                "queues cannot be declared, retrying"
            ] * len(apps)
            campaign_id = await campaign_of(connection, 300)
            async with channel(amqp_url) as opened:
                await opened.queue_delete(SENDS.name)
            await until_ready(apps)
            assert "notes" not in (await answer_of(apps[0], "/health"))[1]
            assert await until_finished(connection, campaign_id) == {"sent": 300}
    assert not any(line.get("exc_info") for line in logs)


@contextmanager
def restricted_user(backend: Backend) -> Iterator[str]:
    """Create a user without the right to configure. Yield the URL for this user."""
    backend.rabbitmqctl("add_user", "restricted", "secret")
    try:
        backend.rabbitmqctl("set_permissions", "restricted", "^$", ".*", ".*")
        yield urlsplit(backend.amqp_url)._replace(netloc=f"restricted:secret@{address_of(backend.amqp_url)}").geturl()
    finally:
        backend.rabbitmqctl("delete_user", "restricted")


def address_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}"


@pytest.mark.usefixtures("amqp_url")
async def test_services_report_a_missing_right_to_configure_and_wait_for_it(
    connection: Connection, database_url: str, backend: Backend
) -> None:
    reason = f"queue {DEAD_LETTERS.name} cannot be declared: ACCESS_REFUSED"
    with capture_logs() as logs, restricted_user(backend) as url:
        async with scripted_provider() as provider, services(database_url, url, url=provider.url) as apps:
            await until_not_ready(apps, reason)
            assert len(lines_about(logs, reason)) == len(apps)
            campaign_id = await campaign_of(connection, 300)
            backend.rabbitmqctl("set_permissions", "restricted", ".*", ".*", ".*")
            await until_ready(apps)
            assert await until_finished(connection, campaign_id) == {"sent": 300}
    assert "secret" not in str(logs)
    assert not any(line.get("exc_info") for line in logs)


async def test_services_without_the_right_to_configure_use_existing_queues(
    connection: Connection, database_url: str, amqp_url: str, backend: Backend
) -> None:
    await declare(amqp_url, QUEUES)
    with restricted_user(backend) as url:
        async with scripted_provider() as provider, services(database_url, url, url=provider.url) as apps:
            await until_ready(apps)
            campaign_id = await campaign_of(connection, 300)
            assert await until_finished(connection, campaign_id) == {"sent": 300}


async def test_a_worker_declares_a_deleted_dead_letter_queue_again(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    async with scripted_provider() as provider:
        async with services(database_url, amqp_url, url=provider.url, prefetch=10) as apps:
            await until_ready(apps)
            async with channel(amqp_url) as opened:
                await opened.queue_delete(DEAD_LETTERS.name)
                for number in range(10):
                    await opened.default_exchange.publish(aio_pika.Message(b"no job %d" % number), SENDS.name)
            campaign_id = await campaign_of(connection, 50)
            assert await until_finished(connection, campaign_id, seconds=30) == {"sent": 50}
        assert await depth(amqp_url, DEAD_LETTERS) == 10
        assert await depth(amqp_url, SENDS) == 0, "the worker held a job until it stopped"


async def test_a_deleted_job_queue_loses_no_message(connection: Connection, database_url: str, amqp_url: str) -> None:
    async with scripted_provider() as provider:
        provider.latency_seconds = 0.1
        settings: dict[str, Any] = {"lease_seconds": 5, "prefetch": 50}
        async with services(database_url, amqp_url, url=provider.url, workers=2, **settings) as apps:
            campaign_id = await campaign_of(connection, 1500)
            await until(lambda: accepted_at_least(provider, 100))
            async with channel(amqp_url) as opened:
                await opened.queue_delete(SENDS.name)
            assert (await statuses(connection, campaign_id))["pending"] > 100
            assert await until_finished(connection, campaign_id, seconds=90) == {"sent": 1500}
            await until_ready(apps)
    assert set(provider.accepted.values()) == {1}


async def accepted_at_least(provider: ScriptedProvider, count: int) -> bool:
    return len(provider.accepted) >= count


async def test_a_consumer_with_a_closed_channel_reconnects(
    connection: Connection, database_url: str, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "_LOST_AFTER_SECONDS", 1)
    with capture_logs() as logs:
        async with scripted_provider() as provider, services(database_url, amqp_url, url=provider.url) as apps:
            await until_ready(apps)
            broker = apps[1].state.broker
            lost = connection_of(broker)
            # a channel closed by its own process does not reopen automatically
            await broker.subscribers[0]._queue_obj.channel.close()  # noqa: SLF001 FastStream does not expose the channel
            await until_not_ready(apps[1:], f"no consumer on {SENDS.name}", in_health=False)
            await until_ready(apps)
            assert connection_of(broker) is not lost
            campaign_id = await campaign_of(connection, 50)
            assert await until_finished(connection, campaign_id) == {"sent": 50}
    # both consumers share the channel
    lost_queues = [SENDS.name, PERSONALIZED[SENDS.name].name]
    assert [line["queues"] for line in logs if line["event"] == "consumer lost, connecting again"] == [lost_queues]
