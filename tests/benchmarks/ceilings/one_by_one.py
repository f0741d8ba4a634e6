"""A worker that sends one message at a time: prefetch 1, one SELECT, one UPDATE, then the ack."""

import asyncio
import json
import os
import random
import signal

import aio_pika
import psycopg
import uvloop
from aio_pika.abc import AbstractIncomingMessage

from leopard.templates.rendering import parse_template

SELECT = """
SELECT c.base_template, u.first_name, u.last_name, u.location, u.preferred_product, u.phone
  FROM outbound_messages AS m
  JOIN campaigns AS c ON c.id = m.campaign_id
  JOIN customers AS u ON u.id = m.customer_id
 WHERE m.id = %s AND m.status = 'pending'
"""
UPDATE = "UPDATE outbound_messages SET status = 'sent', rendered_content = %s, updated_at = now() WHERE id = %s"
FIELDS = ("first_name", "last_name", "location", "preferred_product", "phone")


async def _main() -> None:
    least = float(os.environ["LEOPARD_MOCK_LATENCY_MIN_SECONDS"])
    most = float(os.environ["LEOPARD_MOCK_LATENCY_MAX_SECONDS"])
    database = await psycopg.AsyncConnection.connect(os.environ["LEOPARD_DATABASE_URL"], autocommit=True)
    connection = await aio_pika.connect(os.environ["LEOPARD_AMQP_URL"])
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=1)

    async def on_message(message: AbstractIncomingMessage) -> None:
        message_id = json.loads(message.body)["message_id"]
        row = await (await database.execute(SELECT, [message_id])).fetchone()
        if row is not None:
            content = parse_template(row[0]).render(dict(zip(FIELDS, row[1:], strict=True)))
            await asyncio.sleep(random.uniform(least, most))
            await database.execute(UPDATE, [content, message_id])
        await message.ack()

    queue = await channel.declare_queue("campaign_sends", passive=True)
    await queue.consume(on_message)
    await asyncio.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    uvloop.run(_main())
