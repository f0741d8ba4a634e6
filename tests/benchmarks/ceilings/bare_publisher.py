"""A publisher on bare aio-pika: it only publishes jobs and waits for confirms, at most 1,000 at a time.

`python -m benchmarks.ceilings.bare_publisher COUNT` prints messages a second and CPU seconds per 10,000.
"""

import json
import os
import sys
import time

import aio_pika
import uvloop

from benchmarks.jobs import publish_jobs


async def _main(count: int) -> None:
    async with await aio_pika.connect(os.environ["LEOPARD_AMQP_URL"]) as connection:
        channel = await connection.channel()
        began, cpu = time.perf_counter(), time.process_time()
        await publish_jobs(channel, range(1, count + 1))
        rate = count / (time.perf_counter() - began)
        print(json.dumps({"rate": rate, "cpu": (time.process_time() - cpu) * 10_000 / count}))  # noqa: T201


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1])))
