"""The outcomes of the generic HTTP provider, tested over real connections."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from leopard.domain.statuses import Channel
from leopard.providers.contract import (
    Accepted,
    OutgoingMessage,
    Refused,
    SendOutcome,
    Throttled,
    Unavailable,
    Unknown,
)
from leopard.providers.generic_http import retry_after_seconds
from sender_worker.http_sender import HttpSender

REDIRECTED = Refused("provider answered 301, a redirect, which is not followed", permanent=False)
MESSAGE = OutgoingMessage(9001, "1-9001", Channel.SMS, "+254700000000", "Hi 👋")


async def _accept(_request: web.Request) -> web.Response:
    return web.Response()


@asynccontextmanager
async def provider(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[HttpSender]:
    app = web.Application()
    app.router.add_post("/messages", handler)
    app.router.add_get("/ok", _accept)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    client = HttpSender(f"http://127.0.0.1:{port}/messages", timeout_seconds=0.5, connections=10, token="secret")
    yield client
    await client.close()
    await runner.cleanup()


async def test_the_provider_gets_the_message_its_key_and_the_token() -> None:
    received = []

    async def accept(request: web.Request) -> web.Response:
        received.append((await request.json(), request.headers["Idempotency-Key"], request.headers["Authorization"]))
        return web.json_response({}, status=202)

    async with provider(accept) as client:
        assert await client.send(MESSAGE) == Accepted()
    body = {"message_id": 9001, "channel": "sms", "to": "+254700000000", "text": "Hi 👋"}
    assert received == [(body, "1-9001", "Bearer secret")]


async def test_the_provider_gets_rich_content_as_structure_beside_the_text() -> None:
    received = []

    async def accept(request: web.Request) -> web.Response:
        received.append(await request.text())
        return web.json_response({}, status=202)

    content = {"body": "Hi 👋", "buttons": [{"type": "reply", "text": "Yes"}]}
    async with provider(accept) as client:
        assert await client.send(replace(MESSAGE, channel=Channel.WHATSAPP, content=content)) == Accepted()
        assert await client.send(MESSAGE) == Accepted()
    rich, plain = received
    assert json.loads(rich)["content"] == content
    assert json.loads(rich)["text"] == "Hi 👋"
    # to the byte what providers got before there was rich content
    text = json.dumps("Hi 👋")
    assert plain == f'{{"message_id": 9001, "channel": "sms", "to": "+254700000000", "text": {text}}}'


@pytest.mark.parametrize(
    ("status", "headers", "answer"),
    [
        (200, {}, Accepted()),
        (400, {}, Refused("provider answered 400", permanent=True)),
        (422, {}, Refused("provider answered 422", permanent=True)),
        (301, {"Location": "/ok"}, REDIRECTED),
        (302, {"Location": "/ok"}, replace(REDIRECTED, reason=REDIRECTED.reason.replace("301", "302"))),
        (303, {"Location": "/ok"}, replace(REDIRECTED, reason=REDIRECTED.reason.replace("301", "303"))),
        (307, {"Location": "/ok"}, replace(REDIRECTED, reason=REDIRECTED.reason.replace("301", "307"))),
        (401, {}, Unavailable("refuses the credentials (answered 401)")),
        (403, {}, Unavailable("refuses the credentials (answered 403)")),
        (500, {}, Refused("provider answered 500", permanent=False)),
        (503, {}, Unavailable("answered 503")),
        (503, {"Retry-After": "60"}, Unavailable("answered 503", 60)),
        (502, {}, Unknown("provider answered 502")),
        (504, {}, Unknown("provider answered 504")),
        (429, {"Retry-After": "7"}, Throttled(7)),
        (429, {"Retry-After": "soon"}, Throttled(1)),
        (429, {"Retry-After": "1e9"}, Throttled(3600)),
        (429, {"Retry-After": "NaN"}, Throttled(1)),
        (429, {"Retry-After": "-inf"}, Throttled(0)),
        (429, {"Retry-After": "-5"}, Throttled(0)),
        (429, {"Retry-After": "9" * 5000}, Throttled(3600)),
        (429, {"Retry-After": "Mon, 01 Jan 1990 00:00:00 GMT"}, Throttled(0)),
        (429, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, Throttled(3600)),
        (429, {}, Throttled(1)),
    ],
)
async def test_each_status_has_its_outcome(status: int, headers: dict[str, str], answer: SendOutcome) -> None:
    async def reply(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    async with provider(reply) as client:
        assert await client.send(MESSAGE) == answer


async def test_retry_after_can_be_a_date() -> None:
    wait = retry_after_seconds(format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    assert wait is not None
    assert 60 < wait <= 90


@given(st.text(max_size=200))
def test_the_wait_is_bounded_for_every_retry_after(value: str) -> None:
    wait = retry_after_seconds(value)
    assert wait is None or 0 <= wait <= 3600


async def test_a_missing_answer_is_an_unknown_outcome() -> None:
    async def hang(_request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async def reset(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    for handler in (hang, reset):
        async with provider(handler) as client:
            assert isinstance(await client.send(MESSAGE), Unknown)


async def test_a_provider_that_cannot_be_reached_is_unavailable() -> None:
    client = HttpSender("http://127.0.0.1:1/messages", timeout_seconds=1, connections=1)
    answer = await client.send(MESSAGE)
    await client.close()
    assert isinstance(answer, Unavailable)


async def test_the_time_for_connecting_does_not_count_for_the_answer() -> None:
    """A full backlog accepts the connection only when the kernel retries, a second later."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        listening.setblocking(False)  # noqa: FBT003 the socket's own signature
        address = listening.getsockname()
        before = [await asyncio.open_connection(*address)]
        client = HttpSender(f"http://127.0.0.1:{address[1]}/", timeout_seconds=1.2, connections=1)
        asked = time.monotonic()
        sending = asyncio.create_task(client.send(MESSAGE))
        await asyncio.sleep(0.3)
        loop = asyncio.get_running_loop()
        first, _ = await loop.sock_accept(listening)
        late, _ = await loop.sock_accept(listening)
        assert time.monotonic() - asked > 0.8, "connecting took most of the time that is allowed for an answer"
        await loop.sock_recv(late, 65_536)
        await asyncio.sleep(0.6)
        await loop.sock_sendall(late, b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        assert await sending == Accepted()
        await client.close()
        for connection in (first, late):
            connection.close()
        for _, writer in before:
            writer.close()
