"""Queue jobs with a peer's own client: `python -m benchmarks.peers.queue_jobs MODULE FIRST END`."""

import asyncio
import importlib
import sys
from typing import Any


def main() -> None:
    """Queue a job for each message from FIRST up to, but not including, END."""
    module = importlib.import_module(f"benchmarks.peers.{sys.argv[1]}")
    message_ids = range(int(sys.argv[2]), int(sys.argv[3]))
    if sys.argv[1] == "celery_app":
        with module.app.producer_pool.acquire(block=True) as producer:
            for message_id in message_ids:
                module.send.apply_async((message_id,), producer=producer)
    elif sys.argv[1] == "dramatiq_app":
        for message_id in message_ids:
            module.send.send(message_id)
    else:
        asyncio.run(_queue_with_taskiq(module, message_ids))


async def _queue_with_taskiq(module: Any, message_ids: range) -> None:
    await module.broker.startup()
    for first in range(message_ids.start, message_ids.stop, 500):
        group = range(first, min(first + 500, message_ids.stop))
        await asyncio.gather(*(module.send.kiq(message_id) for message_id in group))
    await module.broker.shutdown()


if __name__ == "__main__":
    main()
