"""The queues that services share, declared once here."""

from typing import Final

from faststream.rabbit import QueueType, RabbitQueue

from leopard.domain.statuses import Channel as CampaignChannel

DEAD_LETTERS: Final = RabbitQueue("campaign_sends.dead", queue_type=QueueType.QUORUM, durable=True)
"""Jobs that cannot be done, each with its reason in the header `x-leopard-reason` or in RabbitMQ's own `x-death`."""


def _queue_of_jobs(name: str) -> RabbitQueue:
    return RabbitQueue(
        name,
        queue_type=QueueType.QUORUM,
        durable=True,
        arguments={
            "x-delivery-limit": 20,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": DEAD_LETTERS.name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )


SENDS: Final = _queue_of_jobs("campaign_sends")
"""One job for each message that can be sent now."""

SENDS_OF: Final = {channel: _queue_of_jobs(f"{SENDS.name}.{channel}") for channel in CampaignChannel}
"""The dedicated queue of each channel."""

PERSONALIZED: Final = {
    queue.name: _queue_of_jobs(f"{queue.name}.personalized") for queue in (SENDS, *SENDS_OF.values())
}
"""By the names of those queues: the queue for messages that only workers since format 3 can render (docs/adr/0025)."""

NUDGES: Final = RabbitQueue("dispatcher.nudges", durable=True, arguments={"x-max-length": 100, "x-message-ttl": 10_000})
"""Hints that a campaign was sent; losing one costs a poll interval."""

QUEUES: Final = (DEAD_LETTERS, SENDS, *SENDS_OF.values(), *PERSONALIZED.values(), NUDGES)


def consumed(queue: RabbitQueue) -> RabbitQueue:
    """A queue for a subscriber, which only looks it up: `declare_topology` has declared it."""
    return RabbitQueue(queue.name, durable=queue.durable, declare=False)


REASON_HEADER: Final = "x-leopard-reason"
ORIGIN_HEADER: Final = "x-leopard-queue"
"""The queue of a job, where it is not the plain one, and of a dead letter where RabbitMQ does not say it itself."""
