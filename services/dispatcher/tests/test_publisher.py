"""Jobs count as published only if they are persistent and confirmed."""

import aio_pika
import pytest

from dispatcher.publisher import JobPublisher, UnconfirmedError
from dispatcher.window import Window
from leopard.broker.connection import Broker
from leopard.broker.jobs import MessageJob
from leopard.broker.topology import declare_topology

JOBS = [MessageJob(message_id=n, campaign_id=1, customer_id=n + 100) for n in range(1, 26)]
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_a_published_job_follows_the_contract(broker: Broker, sends: aio_pika.abc.AbstractQueue) -> None:
    await JobPublisher(broker, concurrency=10).publish(JOBS, TRACE)
    received = [await sends.get(no_ack=True) for _ in JOBS]
    assert sorted(message.body for message in received) == sorted(job.model_dump_json().encode() for job in JOBS)
    for message in received:
        assert message.content_type == "application/json"
        assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
        assert message.headers["traceparent"] == TRACE


async def test_a_job_without_a_queue_does_not_count_as_published(
    broker: Broker, sends: aio_pika.abc.AbstractQueue
) -> None:
    await sends.delete(if_unused=False, if_empty=False)
    with pytest.raises(UnconfirmedError):
        await JobPublisher(broker, concurrency=10).publish(JOBS, None)
    await declare_topology(broker)
    await JobPublisher(broker, concurrency=10).publish(JOBS, None)


async def test_the_room_is_the_window_minus_the_jobs_in_the_queue(
    broker: Broker, sends: aio_pika.abc.AbstractQueue
) -> None:
    window = Window(broker, 30)
    assert await window.room() == 30
    await JobPublisher(broker, concurrency=100).publish(JOBS, None)
    assert await window.room() == 5
    await JobPublisher(broker, concurrency=100).publish(JOBS, None)
    assert await window.room() == 0
    await sends.purge()
    assert await window.room() == 30


async def test_a_missing_queue_is_declared_again(broker: Broker, sends: aio_pika.abc.AbstractQueue) -> None:
    window = Window(broker, 30)
    await sends.delete(if_unused=False, if_empty=False)
    assert await window.room() == 30
    await JobPublisher(broker, concurrency=100).publish(JOBS, None)
    assert await window.room() == 5
