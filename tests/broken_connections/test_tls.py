"""TLS: a failure during the handshake sends nothing; after a failure later, the outcome is unknown."""

import asyncio
import socket
import ssl
import time
from pathlib import Path

import pytest
import trustme

from broken_connections.conftest import Run
from broken_connections.messages import MESSAGE, http_sender
from broken_connections.peer import Exchange, accept_all, running_peer
from leopard.providers.contract import Accepted, SendOutcome, Unavailable, Unknown

AUTHORITY = trustme.CA()


@pytest.fixture(autouse=True)
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the client trust the test authority, as a private one, through OpenSSL's variable."""
    AUTHORITY.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))


def server_context(name: str = "localhost", authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def _outcome(context: ssl.SSLContext, *, seconds: float = 5.0) -> tuple[SendOutcome, int]:
    async with (
        running_peer(accept_all, context) as peer,
        http_sender(f"https://localhost:{peer.port}/", seconds=seconds) as provider,
    ):
        return await provider.send(MESSAGE), len(peer.requests)


def test_messages_are_sent_over_one_kept_connection(run: Run) -> None:
    async def case() -> None:
        async with (
            running_peer(accept_all, server_context()) as peer,
            http_sender(f"https://localhost:{peer.port}/") as provider,
        ):
            for _ in range(3):
                assert await provider.send(MESSAGE) == Accepted()
            assert peer.connections == 1

    run(case())


@pytest.mark.parametrize("case_name", ["other name", "other authority", "old protocol", "client certificate, TLS 1.2"])
def test_a_failed_handshake_sends_nothing(run: Run, case_name: str) -> None:
    async def case() -> None:
        context = server_context()
        match case_name:
            case "other name":
                context = server_context("elsewhere.example")
            case "other authority":
                context = server_context(authority=trustme.CA())
            case "old protocol":
                with pytest.warns(DeprecationWarning, match="TLSv1_1"):
                    context.maximum_version = ssl.TLSVersion.TLSv1_1
            case "client certificate, TLS 1.2":
                context.maximum_version = ssl.TLSVersion.TLSv1_2
                context.verify_mode = ssl.CERT_REQUIRED
        outcome, requests = await _outcome(context)
        assert isinstance(outcome, Unavailable)
        assert requests == 0

    run(case())


def test_an_alert_after_the_handshake_is_unknown(run: Run) -> None:
    """With TLS 1.3, the client may send its request before the server checks the client certificate."""

    async def case() -> None:
        context = server_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        outcome, _ = await _outcome(context)
        assert isinstance(outcome, Unknown)

    run(case())


def test_a_server_without_tls_gets_no_message(run: Run) -> None:
    async def answer_without_tls(exchange: Exchange) -> None:
        await exchange.reader.read(10)
        await exchange.answer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    async def case() -> None:
        async with (
            running_peer(answer_without_tls) as peer,
            http_sender(f"https://localhost:{peer.port}/") as provider,
        ):
            assert isinstance(await provider.send(MESSAGE), Unavailable)

    run(case())


def test_a_reset_during_the_handshake_sends_nothing(run: Run) -> None:
    async def reset(exchange: Exchange) -> None:
        await exchange.reader.read(10)
        exchange.reset()

    async def case() -> None:
        async with running_peer(reset) as peer, http_sender(f"https://localhost:{peer.port}/") as provider:
            assert isinstance(await provider.send(MESSAGE), Unavailable)

    run(case())


def test_a_handshake_that_times_out_sends_nothing(run: Run) -> None:
    async def case() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"https://localhost:{silent.getsockname()[1]}/"
            async with http_sender(url, seconds=0.3) as provider:
                began = time.monotonic()
                assert isinstance(await provider.send(MESSAGE), Unavailable)
                assert 0.25 < time.monotonic() - began < 3

    run(case())


@pytest.mark.parametrize("with_reset", [False, True], ids=["closed", "reset"])
def test_a_connection_that_breaks_after_a_request_is_unknown(run: Run, *, with_reset: bool) -> None:
    async def break_off(exchange: Exchange) -> None:
        await exchange.request()
        if with_reset:
            exchange.reset()

    async def case() -> None:
        async with (
            running_peer(break_off, server_context()) as peer,
            http_sender(f"https://localhost:{peer.port}/") as provider,
        ):
            assert isinstance(await provider.send(MESSAGE), Unknown)
            assert len(peer.requests) == 1

    run(case())


def test_a_connection_closed_while_idle_loses_no_message(run: Run) -> None:
    async def one_request_each(exchange: Exchange) -> None:
        await exchange.request()
        await exchange.answer()

    async def case() -> None:
        async with (
            running_peer(one_request_each, server_context()) as peer,
            http_sender(f"https://localhost:{peer.port}/") as provider,
        ):
            for sent in range(1, 4):
                assert await provider.send(MESSAGE) == Accepted()
                await asyncio.sleep(0.1)
                assert peer.connections == len(peer.requests) == sent

    run(case())
