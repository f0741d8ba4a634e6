"""Every declared queue has a consumer, except the queue of dead letters."""

from faststream.rabbit.subscriber.usecase import RabbitSubscriber

import dispatcher.main
import sender_worker.main
from dispatcher.settings import DispatcherSettings
from leopard.broker.queues import DEAD_LETTERS, QUEUES, SENDS, SENDS_OF
from leopard.domain.statuses import Channel
from sender_worker.settings import WorkerSettings

NOWHERE = {"database_url": "postgresql://nowhere/", "amqp_url": "amqp://nowhere/"}


def consumed_by_services() -> set[str]:
    workers = [WorkerSettings.model_validate({**NOWHERE, "channel": channel}) for channel in (None, *Channel)]
    apps = (
        dispatcher.main.create_app(DispatcherSettings.model_validate(NOWHERE)),
        *map(sender_worker.main.create_app, workers),
    )
    subscribers = [subscriber for app in apps for subscriber in app.state.broker.subscribers]
    return {subscriber.queue.name for subscriber in subscribers if isinstance(subscriber, RabbitSubscriber)}


def test_every_queue_except_dead_letters_has_a_consumer() -> None:
    # a person handles dead letters
    assert consumed_by_services() == {queue.name for queue in QUEUES} - {DEAD_LETTERS.name}


def test_queues_of_jobs_are_durable_and_keep_refused_jobs() -> None:
    for queue in (SENDS, *SENDS_OF.values()):
        arguments = queue.arguments or {}
        assert queue.durable
        assert arguments["x-queue-type"] == "quorum"
        assert arguments["x-dead-letter-routing-key"] == DEAD_LETTERS.name
