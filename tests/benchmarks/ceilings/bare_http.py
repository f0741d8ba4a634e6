"""An HTTP client that only posts messages. It shows the least cost of sending over HTTP.

`python -m benchmarks.ceilings.bare_http CLIENT URL COUNT IN_FLIGHT` prints requests a second and CPU seconds per
10,000.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import uvloop

from leopard.domain.statuses import Channel
from leopard.providers.contract import Accepted, OutgoingMessage
from sender_worker.http_sender import HttpSender

TEXT = "Hi Wanjiru1 Mwangi2, Running Shoes is on offer in Nairobi! Your number is +254712345678."

Send = Callable[[int], Awaitable[bool]]


async def _in_flight(send: Send, ids: range, in_flight: int) -> None:
    """Send each message in its own task, as the worker does."""
    free = asyncio.Semaphore(in_flight)

    async def send_one(message_id: int) -> None:
        try:
            if not await send(message_id):
                raise RuntimeError("the server did not accept a message")
        finally:
            free.release()

    async with asyncio.TaskGroup() as group:
        for message_id in ids:
            await free.acquire()
            group.create_task(send_one(message_id))


async def _measure(send: Send, count: int, in_flight: int) -> None:
    # open the connections first
    await _in_flight(send, range(in_flight), in_flight)
    began, cpu = time.perf_counter(), time.process_time()
    await _in_flight(send, range(in_flight, in_flight + count), in_flight)
    rate = count / (time.perf_counter() - began)
    print(json.dumps({"rate": rate, "cpu": (time.process_time() - cpu) * 10_000 / count}))  # noqa: T201


async def _leopard(url: str, count: int, in_flight: int) -> None:
    provider = HttpSender(url, timeout_seconds=10, connections=in_flight)

    async def send(message_id: int) -> bool:
        message = OutgoingMessage(message_id, f"bare-{message_id}", Channel.SMS, "+254712345678", TEXT)
        return await provider.send(message) == Accepted()

    await _measure(send, count, in_flight)
    await provider.close()


async def _aiohttp(url: str, count: int, in_flight: int) -> None:
    timeout = aiohttp.ClientTimeout(total=15, connect=5, sock_read=10)
    connector = aiohttp.TCPConnector(limit=in_flight, keepalive_timeout=10)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def send(message_id: int) -> bool:
            body = {"message_id": message_id, "channel": "sms", "to": "+254712345678", "text": TEXT}
            key = {"Idempotency-Key": f"bare-{message_id}"}
            async with session.post(url, json=body, headers=key, allow_redirects=False) as response:
                return response.status == 202

        await _measure(send, count, in_flight)


CLIENTS = {"leopard": _leopard, "aiohttp": _aiohttp}


if __name__ == "__main__":
    uvloop.run(CLIENTS[sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
