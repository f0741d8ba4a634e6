"""Dramatiq: late acks, its only mode; without the middleware that needs a store.

Run by the `dramatiq` command, or by `dramatiq-gevent`.
"""

import logging

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import AgeLimit, Retries, ShutdownNotifications, TimeLimit

from benchmarks.peers.job import AMQP_URL, deliver, sync_pool

logging.getLogger("dramatiq").setLevel(logging.WARNING)

broker = RabbitmqBroker(url=AMQP_URL, middleware=[AgeLimit(), TimeLimit(), ShutdownNotifications(), Retries()])
dramatiq.set_broker(broker)
_pool = sync_pool()


@dramatiq.actor(queue_name="peer.dramatiq", max_retries=3)
def send(message_id: int) -> None:
    """Send one message."""
    if _pool.closed:
        _pool.open()
    deliver(_pool, message_id)
