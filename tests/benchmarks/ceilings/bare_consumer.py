"""A consumer on bare aio-pika: the worker's two statements, in batches, and one ack for each message.

It has no retries and no metrics. It shows the rate of a worker whose framework costs nothing.
"""

import asyncio
import json
import os
import random
import signal

import aio_pika
import psycopg
import uvloop
from aio_pika.abc import AbstractIncomingMessage

from leopard.domain.statuses import MessageStatus
from leopard.templates.rendering import parse_template
from sender_worker.batcher import Batcher
from sender_worker.claims import Claim, claim_messages
from sender_worker.results import Result, record_results

BATCH = 200
PREFETCH = 1000


async def _main() -> None:  # noqa: C901 one function, as in a minimal program
    least = float(os.environ["LEOPARD_MOCK_LATENCY_MIN_SECONDS"])
    most = float(os.environ["LEOPARD_MOCK_LATENCY_MAX_SECONDS"])
    claiming = await psycopg.AsyncConnection.connect(os.environ["LEOPARD_DATABASE_URL"], autocommit=True)
    recording = await psycopg.AsyncConnection.connect(os.environ["LEOPARD_DATABASE_URL"], autocommit=True)
    connection = await aio_pika.connect(os.environ["LEOPARD_AMQP_URL"])
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=PREFETCH)
    arrived: Batcher[AbstractIncomingMessage] = Batcher(size=BATCH)
    answered: Batcher[tuple[AbstractIncomingMessage, Result]] = Batcher(size=BATCH)

    async def send(message: AbstractIncomingMessage, claim: Claim) -> None:
        content = parse_template(claim.base_template).render(
            {
                "first_name": claim.first_name,
                "last_name": claim.last_name,
                "location": claim.location,
                "preferred_product": claim.preferred_product,
                "phone": claim.phone,
            }
        )
        if most:
            await asyncio.sleep(random.uniform(least, most))
        answered.add((message, Result(claim, MessageStatus.SENT, content)))

    async def claim_all() -> None:
        sending: set[asyncio.Task[None]] = set()
        while True:
            batch = await arrived.next_batch(seconds=60)
            ids = [json.loads(message.body)["message_id"] for message in batch]
            for message, claim in zip(batch, await claim_messages(claiming, ids, 60, 1), strict=True):
                if claim is None:
                    await message.ack()
                elif most:
                    task = asyncio.create_task(send(message, claim))
                    sending.add(task)
                    task.add_done_callback(sending.discard)
                else:
                    await send(message, claim)

    async def record_all() -> None:
        while True:
            batch = await answered.next_batch(seconds=60)
            await record_results(recording, [result for _, result in batch], 1)
            for message, _ in batch:
                await message.ack()

    async def on_message(message: AbstractIncomingMessage) -> None:
        arrived.add(message)

    queue = await channel.declare_queue("campaign_sends", passive=True)
    await queue.consume(on_message)
    await asyncio.gather(claim_all(), record_all())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    uvloop.run(_main())
