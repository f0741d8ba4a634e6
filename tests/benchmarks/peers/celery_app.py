"""Celery: late acks, a tuned prefetch, persistent messages, no result backend.

Run by the `celery` command, with prefork, threads or gevent.
"""

import os

from celery import Celery

from benchmarks.peers.job import AMQP_URL, deliver, sync_pool

app = Celery("peer", broker=AMQP_URL.replace("amqp://", "pyamqp://"))
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    task_default_queue="peer.celery",
    worker_prefetch_multiplier=int(os.environ.get("BENCH_PREFETCH_MULTIPLIER", "50")),
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    task_send_sent_event=False,
    broker_connection_retry_on_startup=True,
    broker_pool_limit=2,
    worker_enable_remote_control=False,
)
_pool = sync_pool()


@app.task(name="peer.send", ignore_result=True)
def send(message_id: int) -> None:
    """Send one message."""
    # open the pool in the process that uses it: a pool does not survive a fork
    if _pool.closed:
        _pool.open()
    deliver(_pool, message_id)
