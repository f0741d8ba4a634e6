"""A chunk counts as published only once all its jobs are confirmed."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from dispatcher.publish_loop import PublishLoop
from dispatcher.publisher import JobPublisher, UnconfirmedError
from dispatcher.settings import DispatcherSettings
from dispatcher.window import Window
from leopard.broker.connection import Broker
from leopard.broker.jobs import MessageJob
from leopard.db.pool import Connection, Pool
from support.factories import add_campaign, add_customers, add_messages, rows

SETTINGS = DispatcherSettings.model_validate({"database_url": "postgresql://nowhere/", "amqp_url": "amqp://nowhere/"})


class HalfwayPublisher(JobPublisher):
    """Checks the chunk before it publishes, and fails after the first half of the jobs."""

    def __init__(self, broker: Broker, connection: Connection) -> None:
        super().__init__(broker, concurrency=100)
        self._connection = connection

    async def publish(
        self, jobs: Sequence[MessageJob], traceparent: str | None, published_at: datetime | None = None
    ) -> None:
        """Publish the first half of the jobs, then fail."""
        if jobs:
            [chunk] = await rows(self._connection, "SELECT check_at FROM campaign_chunks")
            assert chunk["check_at"] is None, "the chunk counts as published too early"
            await super().publish(jobs[: len(jobs) // 2], traceparent, published_at)
            msg = "only half was published"
            raise UnconfirmedError(msg)


async def test_a_half_published_chunk_is_published_again_at_once(
    broker: Broker, pool: Pool, connection: Connection
) -> None:
    await add_messages(connection, await add_campaign(connection), await add_customers(connection, 10))
    window = Window(broker, 1000)
    with pytest.raises(UnconfirmedError):
        await PublishLoop(SETTINGS, pool, HalfwayPublisher(broker, connection), window).step()
    assert await window.room() == 995
    await PublishLoop(SETTINGS, pool, JobPublisher(broker, concurrency=100), window).step()
    assert await window.room() == 985
    [chunk] = await rows(connection, "SELECT check_at > now() AS published FROM campaign_chunks")
    assert chunk["published"]


async def test_no_chunk_is_claimed_while_the_window_is_full(broker: Broker, pool: Pool, connection: Connection) -> None:
    await add_messages(connection, await add_campaign(connection), await add_customers(connection, 10))
    full = PublishLoop(SETTINGS, pool, JobPublisher(broker, concurrency=100), Window(broker, 0))
    assert await full.step() > 0
    [chunk] = await rows(connection, "SELECT check_at, claimed_until FROM campaign_chunks")
    assert chunk == {"check_at": None, "claimed_until": None}
