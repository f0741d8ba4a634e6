"""A job that a worker cannot process is dead-lettered with the reason."""

import aio_pika
import pytest

from leopard.broker.connection import create_broker
from leopard.broker.jobs import MessageJob
from leopard.broker.queues import DEAD_LETTERS, REASON_HEADER, SENDS
from leopard.broker.topology import declare_topology
from sender_worker.acks import HeldJob
from sender_worker.main import create_app
from sender_worker.pipeline import Pipeline
from sender_worker.settings import WorkerSettings
from support.factories import failures_of, until


@pytest.mark.expects_tracebacks
async def test_a_job_with_an_unexpected_error_is_counted_and_dead_lettered(
    database_url: str, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_pipeline: Pipeline, _job: HeldJob) -> None:
        raise LookupError

    monkeypatch.setattr(Pipeline, "take", broken)
    before = failures_of("take job")
    async with create_broker(amqp_url, service="tests", shutdown_seconds=1) as broker:
        await declare_topology(broker)
        job = MessageJob(message_id=1, campaign_id=1, customer_id=1)
        await broker.publish(job.model_dump_json().encode(), SENDS.name, content_type="application/json")
    app = create_app(WorkerSettings.model_validate({"database_url": database_url, "amqp_url": amqp_url}))
    async with (
        app.router.lifespan_context(app),
        await aio_pika.connect(amqp_url) as connection,
        connection.channel() as channel,
    ):
        queue = await channel.declare_queue(DEAD_LETTERS.name, passive=True)
        reasons: list[object] = []

        async def is_dead_lettered() -> bool:
            dead_letter = await queue.get(fail=False)
            if dead_letter is not None:
                reasons.append(dead_letter.headers[REASON_HEADER])
                await dead_letter.ack()
            return bool(reasons)

        await until(is_dead_lettered)
    assert reasons == ["unexpected error: LookupError"]
    assert failures_of("take job") - before == 1
