"""taskiq on aio-pika: acks after the task, no result backend. Run by the `taskiq` command."""

import asyncio
import os

from taskiq import TaskiqEvents, TaskiqState
from taskiq_aio_pika import AioPikaBroker

from benchmarks.peers.job import AMQP_URL, FIELDS, SELECT, UPDATE, async_pool, provider_seconds
from leopard.templates.rendering import parse_template

broker = AioPikaBroker(AMQP_URL, qos=int(os.environ.get("BENCH_PREFETCH", "500")))
_pool = async_pool()


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def _open(_state: TaskiqState) -> None:
    await _pool.open()


@broker.task(task_name="peer.send")
async def send(message_id: int) -> None:
    """Send one message. No connection is held while the provider answers."""
    async with _pool.connection() as connection:
        row = await (await connection.execute(SELECT, [message_id])).fetchone()
    if row is None:
        return
    content = parse_template(row[0]).render(dict(zip(FIELDS, row[1:], strict=True)))
    if seconds := provider_seconds():
        await asyncio.sleep(seconds)
    async with _pool.connection() as connection:
        await connection.execute(UPDATE, [content, message_id])
