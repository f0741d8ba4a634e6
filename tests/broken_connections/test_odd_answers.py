"""Answers that are long, late in coming, or more than one: their meaning counts, and the next message is not harmed."""

import asyncio

import pytest

from broken_connections.conftest import Run
from broken_connections.messages import MESSAGE, provider_at
from broken_connections.peer import ACCEPTED, Exchange, running_peer
from leopard.providers.contract import Accepted, Refused, Throttled


def test_a_body_without_end_is_not_read(run: Run) -> None:
    written = 0

    async def pour(exchange: Exchange) -> None:
        nonlocal written
        await exchange.request()
        await exchange.answer(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            await exchange.answer(b"x" * 65_536)
            written += 65_536

    async def case() -> None:
        async with (
            running_peer(pour) as peer,
            provider_at(f"http://127.0.0.1:{peer.port}/", connections=1) as provider,
        ):
            assert await provider.send(MESSAGE) == Accepted()
            # with one connection this message is sent only because the first one was closed
            assert await provider.send(MESSAGE) == Accepted()
            assert peer.connections == 2
            assert written < 100_000_000

    run(case())


def test_a_body_that_breaks_off_changes_nothing(run: Run) -> None:
    async def break_off(exchange: Exchange) -> None:
        await exchange.request()
        await exchange.answer(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\nContent-Length: 10\r\n\r\nhalf")

    async def case() -> None:
        async with running_peer(break_off) as peer, provider_at(f"http://127.0.0.1:{peer.port}/") as provider:
            assert await provider.send(MESSAGE) == Throttled(7)

    run(case())


def test_a_body_that_comes_later_keeps_its_connection(run: Run) -> None:
    async def in_two_pieces(exchange: Exchange) -> None:
        while True:
            await exchange.request()
            await exchange.answer(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n")
            await asyncio.sleep(0.05)
            await exchange.answer(b"2\r\n{}\r\n0\r\n\r\n")

    async def case() -> None:
        async with (
            running_peer(in_two_pieces) as peer,
            provider_at(f"http://127.0.0.1:{peer.port}/", connections=1) as provider,
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
        async with running_peer(redirect) as peer, provider_at(f"http://127.0.0.1:{peer.port}/") as provider:
            outcome = await provider.send(MESSAGE)
            assert outcome == Refused("provider answered 307, a redirect, which is not followed", permanent=False)
            assert (peer.connections, len(peer.requests)) == (1, 1)

    run(case())


@pytest.mark.parametrize("first", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"])
def test_an_answer_on_the_way_is_not_the_answer(run: Run, first: bytes) -> None:
    async def twice(exchange: Exchange) -> None:
        while True:
            await exchange.request()
            await exchange.answer(first)
            await asyncio.sleep(0.05)
            await exchange.answer(b"HTTP/1.1 422 Unprocessable\r\nContent-Length: 0\r\n\r\n")

    async def case() -> None:
        async with running_peer(twice) as peer, provider_at(f"http://127.0.0.1:{peer.port}/") as provider:
            for _ in range(2):
                assert await provider.send(MESSAGE) == Refused("provider answered 422", permanent=True)
            assert peer.connections == 1

    run(case())


@pytest.mark.parametrize("at_once", [True, False], ids=["in one segment", "later"])
def test_an_answer_too_many_is_not_taken_for_the_next_messages(run: Run, *, at_once: bool) -> None:
    async def too_many(exchange: Exchange) -> None:
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
        async with running_peer(too_many) as peer, provider_at(f"http://127.0.0.1:{peer.port}/") as provider:
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
def test_a_connection_that_the_provider_ends_is_not_used_again(run: Run, answer: bytes) -> None:
    async def last(exchange: Exchange) -> None:
        await exchange.request()
        await exchange.answer(answer)
        await asyncio.sleep(0.1)

    async def case() -> None:
        async with running_peer(last) as peer, provider_at(f"http://127.0.0.1:{peer.port}/") as provider:
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
            async with provider_at(f"http://us%40er:secret@127.0.0.1:{peer.port}/messages?a=b") as provider:
                assert await provider.send(MESSAGE) == Accepted()
            head = peer.requests[0].split(b"\r\n")
            assert head[0] == b"POST /messages?a=b HTTP/1.1"
            assert f"Host: 127.0.0.1:{peer.port}".encode() in head
            assert b"Authorization: Basic dXNAZXI6c2VjcmV0" in head

    run(case())
