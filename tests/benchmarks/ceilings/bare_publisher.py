"""A publisher on bare aio-pika: nothing but jobs and their confirms, a thousand of them outstanding.

`python -m benchmarks.ceilings.bare_publisher COUNT` prints messages a second and CPU seconds per 10,000.
"""

import asyncio
import json
import os
import sys
import time

import aio_pika
import uvloop

OUTSTANDING = 1000


async def _main(count: int) -> None:
    connection = await aio_pika.connect(os.environ["LEOPARD_AMQP_URL"])
    channel = await connection.channel()
    began, cpu = time.perf_counter(), time.process_time()
    for first in range(1, count + 1, OUTSTANDING):
        await asyncio.gather(
            *(
                channel.default_exchange.publish(
                    aio_pika.Message(
                        b'{"message_id":%d,"campaign_id":1,"customer_id":%d}' % (message_id, message_id),
                        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                        content_type="application/json",
                    ),
                    "campaign_sends",
                )
                for message_id in range(first, min(first + OUTSTANDING, count + 1))
            )
        )
    rate = count / (time.perf_counter() - began)
    print(json.dumps({"rate": rate, "cpu": (time.process_time() - cpu) * 10_000 / count}))  # noqa: T201
    await connection.close()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1])))
