"""Without a connection nothing was sent: the outcome is `Unavailable`, and a retry is safe."""

import asyncio
import socket
import time

import pytest

from broken_connections.conftest import Run
from broken_connections.messages import MESSAGE, http_sender
from broken_connections.peer import Exchange, running_peer
from leopard.providers.contract import Accepted, Unavailable
from sender_worker.http_client import HttpClient, NotConnectedError
from sender_worker.http_connection import NoAnswerError


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("127.0.0.1:1", id="refused"),
        # no machine has a TCP route to the broadcast address
        pytest.param("255.255.255.255", id="unroutable"),
        pytest.param("provider.invalid", id="name does not resolve"),
    ],
)
def test_an_unreachable_address_is_unavailable(run: Run, host: str) -> None:
    async def case() -> None:
        async with http_sender(f"http://{host}/messages") as provider:
            assert isinstance(await provider.send(MESSAGE), Unavailable)

    run(case())


def test_a_connection_that_times_out_is_unavailable(run: Run) -> None:
    async def case() -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
            address = listening.getsockname()
            _, filling = await asyncio.open_connection(*address)
            async with http_sender(f"http://127.0.0.1:{address[1]}/", seconds=0.3) as provider:
                began = time.monotonic()
                assert await provider.send(MESSAGE) == Unavailable("cannot be reached: no connection in time")
                assert 0.25 < time.monotonic() - began < 3
            filling.close()

    run(case())


def test_a_message_that_gets_no_free_connection_is_not_sent(run: Run) -> None:
    async def case() -> None:
        arrived = asyncio.Event()

        async def hang(exchange: Exchange) -> None:
            await exchange.request()
            arrived.set()
            await exchange.request()

        async with running_peer(hang) as peer:
            url = f"http://127.0.0.1:{peer.port}/"
            client = HttpClient(url, connect_seconds=0.3, answer_seconds=30, connections=1)
            first = asyncio.create_task(client.post(b"", b"{}"))
            await arrived.wait()
            with pytest.raises(NotConnectedError, match="no connection in time"):
                await client.post(b"", b"{}")
            await client.close()
            with pytest.raises(NoAnswerError, match="the client was closed"):
                await first
            assert len(peer.requests) == 1
            assert peer.max_open_connections == 1

    run(case())


def test_messages_wait_for_a_free_connection(run: Run) -> None:
    async def answer_slowly(exchange: Exchange) -> None:
        while True:
            await exchange.request()
            await asyncio.sleep(0.02)
            await exchange.answer()

    async def case() -> None:
        async with (
            running_peer(answer_slowly) as peer,
            http_sender(f"http://127.0.0.1:{peer.port}/", connections=2) as provider,
        ):
            outcomes = await asyncio.gather(*(provider.send(MESSAGE) for _ in range(20)))
            assert outcomes == [Accepted()] * 20
            assert peer.connections == peer.max_open_connections == 2

    run(case())
