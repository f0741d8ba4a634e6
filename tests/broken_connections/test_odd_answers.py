"""Long, slow, incomplete and repeated answers have the right outcome and do not affect the next message."""

import asyncio

import pytest

from broken_connections.conftest import Run
from broken_connections.messages import MESSAGE, http_sender
from broken_connections.peer import ACCEPTED, Exchange, running_peer
from leopard.providers.contract import Accepted, Refused, Throttled


def test_an_endless_body_is_not_read(run: Run) -> None:
    written = 0

    async def send_endless_body(exchange: Exchange) -> None:
        nonlocal written
        await exchange.request()
        await exchange.answer(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            await exchange.answer(b"x" * 65_536)
            written += 65_536

    async def case() -> None:
        async with (
            running_peer(send_endless_body) as peer,
            http_sender(f"http://127.0.0.1:{peer.port}/", connections=1) as provider,
        ):
            assert await provider.send(MESSAGE) == Accepted()
            # the only connection is free again because the client closed it
            assert await provider.send(MESSAGE) == Accepted()
            assert peer.connections == 2
            assert written < 100_000_000

    run(case())


def test_an_incomplete_body_does_not_change_the_outcome(run: Run) -> None:
    async def break_off(exchange: Exchange) -> None:
        await exchange.request()
        await exchange.answer(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\nContent-Length: 10\r\n\r\nhalf")

    async def case() -> None:
        async with running_peer(break_off) as peer, http_sender(f"http://127.0.0.1:{peer.port}/") as provider:
            assert await provider.send(MESSAGE) == Throttled(7)

    run(case())


def test_a_delayed_body_keeps_its_connection(run: Run) -> None:
    async def in_two_pieces(exchange: Exchange) -> None:
        while True:
            await exchange.request()
            await exchange.answer(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n")
            await asyncio.sleep(0.05)
            await exchange.answer(b"2\r\n{}\r\n0\r\n\r\n")

    async def case() -> None:
        async with (
            running_peer(in_two_pieces) as peer,
            http_sender(f"http://127.0.0.1:{peer.port}/", connections=1) as provider,
        ):
            for _ in range(3):
                assert await provider.send(MESSAGE) == Accepted()
            assert peer.connections == 1

    run(case())


def test_a_redirect_is_not_followed(run: Run) -> None:
    async def redirect(exchange: Exchange) -> None:
        await exchange.request()
        location = f"http://127.0.0.1:{exchange.peer.port}/elsewhere"
        await exchange.answer(f"HTTP/1.1 307 T\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())
        await exchange.request()

    async def case() -> None:
        async with running_peer(redirect) as peer, http_sender(f"http://127.0.0.1:{peer.port}/") as provider:
            outcome = await provider.send(MESSAGE)
            assert outcome == Refused("provider answered 307, a redirect, which is not followed", permanent=False)
            assert (peer.connections, len(peer.requests)) == (1, 1)

    run(case())


@pytest.mark.parametrize("first", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"])
def test_an_interim_answer_is_not_the_final_answer(run: Run, first: bytes) -> None:
    async def interim_then_final(exchange: Exchange) -> None:
        while True:
            await exchange.request()
            await exchange.answer(first)
            await asyncio.sleep(0.05)
            await exchange.answer(b"HTTP/1.1 422 Unprocessable\r\nContent-Length: 0\r\n\r\n")

    async def case() -> None:
        async with running_peer(interim_then_final) as peer, http_sender(f"http://127.0.0.1:{peer.port}/") as provider:
            for _ in range(2):
                assert await provider.send(MESSAGE) == Refused("provider answered 422", permanent=True)
            assert peer.connections == 1

    run(case())


@pytest.mark.parametrize("at_once", [True, False], ids=["in one segment", "later"])
def test_an_extra_answer_is_not_used_for_the_next_message(run: Run, *, at_once: bool) -> None:
    async def answer_twice(exchange: Exchange) -> None:
        if exchange.peer.connections > 1:
            await exchange.request()
            await exchange.answer(b"HTTP/1.1 422 Unprocessable\r\nContent-Length: 0\r\n\r\n")
            return
        await exchange.request()
        if at_once:
            await exchange.answer(ACCEPTED + ACCEPTED)
        else:
            await exchange.answer(ACCEPTED)
            await asyncio.sleep(0.05)
            await exchange.answer(ACCEPTED)
        await exchange.reader.read()

    async def case() -> None:
        async with running_peer(answer_twice) as peer, http_sender(f"http://127.0.0.1:{peer.port}/") as provider:
            assert await provider.send(MESSAGE) == Accepted()
            await asyncio.sleep(0.15)
            assert await provider.send(MESSAGE) == Refused("provider answered 422", permanent=True)
            assert peer.connections == 2

    run(case())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 202 Accepted\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\n\r\n",
    ],
)
def test_a_connection_that_the_provider_closes_is_not_used_again(run: Run, answer: bytes) -> None:
    async def answer_and_close(exchange: Exchange) -> None:
        await exchange.request()
        await exchange.answer(answer)
        await asyncio.sleep(0.1)

    async def case() -> None:
        async with running_peer(answer_and_close) as peer, http_sender(f"http://127.0.0.1:{peer.port}/") as provider:
            for _ in range(2):
                assert await provider.send(MESSAGE) == Accepted()
            assert peer.connections == 2

    run(case())


def test_credentials_in_the_url_are_sent_as_basic_authentication(run: Run) -> None:
    async def accept(exchange: Exchange) -> None:
        await exchange.request()
        await exchange.answer()

    async def case() -> None:
        async with running_peer(accept) as peer:
            async with http_sender(f"http://us%40er:secret@127.0.0.1:{peer.port}/messages?a=b") as provider:
                assert await provider.send(MESSAGE) == Accepted()
            head = peer.requests[0].split(b"\r\n")
            assert head[0] == b"POST /messages?a=b HTTP/1.1"
            assert f"Host: 127.0.0.1:{peer.port}".encode() in head
            assert b"Authorization: Basic dXNAZXI6c2VjcmV0" in head

    run(case())
