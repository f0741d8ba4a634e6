"""A written request may have arrived: without an answer the outcome is `Unknown`, and the request is not repeated."""

import asyncio
import socket
import time

import pytest

from broken_connections.conftest import Run
from broken_connections.messages import MESSAGE, http_sender
from broken_connections.peer import ACCEPTED, Exchange, Script, running_peer
from leopard.providers.contract import Accepted, Unavailable, Unknown


async def _reset_after_request(exchange: Exchange) -> None:
    await exchange.request()
    exchange.reset()


async def _close_after_request(exchange: Exchange) -> None:
    await exchange.request()


async def _half_close_after_request(exchange: Exchange) -> None:
    await exchange.request()
    exchange.writer.write_eof()
    await exchange.reader.read()


async def _partial_answer(exchange: Exchange) -> None:
    await exchange.request()
    await exchange.answer(b"HTTP/1.1 202 Accepted\r\nContent-Le")


async def _not_http(exchange: Exchange) -> None:
    await exchange.request()
    await exchange.answer(b"SSH-2.0-OpenSSH_9.9\r\n")


async def _switch_protocols(exchange: Exchange) -> None:
    await exchange.request()
    await exchange.answer(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")


async def _endless_head(exchange: Exchange) -> None:
    await exchange.request()
    await exchange.answer(b"HTTP/1.1 202 Accepted\r\n")
    while True:
        await exchange.answer(b"X-More: and more\r\n" * 100)


@pytest.mark.parametrize(
    "script",
    [
        _reset_after_request,
        _close_after_request,
        _half_close_after_request,
        _partial_answer,
        _not_http,
        _switch_protocols,
        _endless_head,
    ],
)
def test_a_request_without_an_answer_is_unknown(run: Run, script: Script) -> None:
    async def case() -> None:
        async with running_peer(script) as peer, http_sender(f"http://127.0.0.1:{peer.port}/") as provider:
            assert isinstance(await provider.send(MESSAGE), Unknown)
            assert len(peer.requests) == 1, "the request was sent twice"

    run(case())


def test_a_reset_during_a_request_is_unknown(run: Run) -> None:
    async def reset(exchange: Exchange) -> None:
        await exchange.reader.readexactly(20)
        exchange.reset()

    async def case() -> None:
        async with running_peer(reset) as peer, http_sender(f"http://127.0.0.1:{peer.port}/") as provider:
            assert isinstance(await provider.send(MESSAGE), Unknown)
            assert peer.connections == 1

    run(case())


def test_a_reset_of_a_new_connection_is_not_retried(run: Run) -> None:
    async def reset(exchange: Exchange) -> None:
        exchange.reset()

    async def case() -> None:
        async with running_peer(reset) as peer, http_sender(f"http://127.0.0.1:{peer.port}/") as provider:
            # Unavailable if the reset arrived before the request was written, otherwise Unknown
            assert isinstance(await provider.send(MESSAGE), Unknown | Unavailable)
            assert peer.connections == 1
            assert peer.requests == []

    run(case())


def test_a_late_answer_is_unknown_and_is_not_used_for_another_message(run: Run) -> None:
    async def late(exchange: Exchange) -> None:
        await exchange.request()
        if exchange.peer.connections == 1:
            await asyncio.sleep(0.5)
            await exchange.answer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        else:
            await asyncio.sleep(0.2)
            await exchange.answer()

    async def case() -> None:
        async with running_peer(late) as peer, http_sender(f"http://127.0.0.1:{peer.port}/", seconds=0.4) as provider:
            began = time.monotonic()
            assert await provider.send(MESSAGE) == Unknown("provider did not answer: no answer in time")
            assert time.monotonic() - began >= 0.39
            assert await provider.send(MESSAGE) == Accepted()
            assert peer.connections == len(peer.requests) == 2

    run(case())


def test_a_cancelled_send_closes_its_connection(run: Run) -> None:
    async def case() -> None:
        arrived = asyncio.Event()

        async def late(exchange: Exchange) -> None:
            await exchange.request()
            if exchange.peer.connections == 1:
                arrived.set()
                assert await exchange.reader.read() == b""
            else:
                await exchange.answer()

        async with (
            running_peer(late) as peer,
            http_sender(f"http://127.0.0.1:{peer.port}/", connections=1) as provider,
        ):
            sending = asyncio.create_task(provider.send(MESSAGE))
            await arrived.wait()
            sending.cancel()
            await asyncio.wait([sending])
            assert sending.cancelled()
            assert await provider.send(MESSAGE) == Accepted()
            assert peer.connections == 2

    run(case())


@pytest.mark.parametrize("with_reset", [False, True], ids=["closed", "reset"])
def test_a_kept_connection_that_breaks_after_a_request_is_unknown(run: Run, *, with_reset: bool) -> None:
    async def break_after_second_request(exchange: Exchange) -> None:
        await exchange.request()
        await exchange.answer()
        await exchange.request()
        if with_reset:
            exchange.reset()

    async def case() -> None:
        async with (
            running_peer(break_after_second_request) as peer,
            http_sender(f"http://127.0.0.1:{peer.port}/") as provider,
        ):
            assert await provider.send(MESSAGE) == Accepted()
            assert isinstance(await provider.send(MESSAGE), Unknown)
            assert (peer.connections, len(peer.requests)) == (1, 2), "the client repeated the request"
            assert await provider.send(MESSAGE) == Accepted()

    run(case())


def test_a_kept_connection_that_closes_during_a_write_is_unknown(run: Run) -> None:
    async def case() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)  # noqa: FBT003 the socket's own signature
            async with http_sender(f"http://127.0.0.1:{listening.getsockname()[1]}/") as provider:
                sending = asyncio.create_task(provider.send(MESSAGE))
                peer, _ = await loop.sock_accept(listening)
                await loop.sock_recv(peer, 65_536)
                await loop.sock_sendall(peer, ACCEPTED)
                assert await sending == Accepted()
                # the event loop does not run between the two calls, so the client cannot notice the close
                peer.close()
                assert isinstance(await provider.send(MESSAGE), Unknown)
                sending = asyncio.create_task(provider.send(MESSAGE))
                peer, _ = await loop.sock_accept(listening)
                await loop.sock_recv(peer, 65_536)
                await loop.sock_sendall(peer, ACCEPTED)
                assert await sending == Accepted()
                peer.close()

    run(case())


@pytest.mark.parametrize("with_reset", [False, True], ids=["closed", "reset"])
def test_a_connection_closed_while_idle_loses_no_message(run: Run, *, with_reset: bool) -> None:
    async def one_request_each(exchange: Exchange) -> None:
        await exchange.request()
        await exchange.answer()
        if with_reset:
            exchange.reset()

    async def case() -> None:
        async with running_peer(one_request_each) as peer, http_sender(f"http://127.0.0.1:{peer.port}/") as provider:
            for sent in range(1, 4):
                assert await provider.send(MESSAGE) == Accepted()
                await asyncio.sleep(0.05)
                assert peer.connections == len(peer.requests) == sent

    run(case())
