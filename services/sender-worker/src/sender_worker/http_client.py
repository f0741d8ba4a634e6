"""POST requests to one endpoint over a pool of connections; the only module of the worker that opens sockets.

A request that fails raises one of two errors, and no request is ever sent twice:

NotConnectedError  not a byte of it was handed to a connection, so another attempt cannot duplicate it
NoAnswerError      all or part of it was handed to a connection, and no answer came back

ADR 20 says why no library does this.
"""

import asyncio
import base64
import socket
import ssl
from collections import deque
from typing import Final
from urllib.parse import unquote, urlsplit

from aiohappyeyeballs import AddrInfoType, start_connection

from sender_worker.http_connection import Answer, HttpConnection

IDLE_SECONDS: Final = 10.0
"""A connection that was idle for longer is closed: the provider may be about to close it too."""

_ADDRESSES_SECONDS: Final = 10.0
_NEXT_ADDRESS_SECONDS: Final = 0.25
_TLS_SHUTDOWN_SECONDS: Final = 1.0


class NotConnectedError(Exception):
    """There was no connection, and nothing was sent; says why."""


class HttpClient:
    """Sends POST requests to one URL.

    Args:
        url: Where to; credentials in it become basic authentication, unless there is a token.
        connect_seconds: The limit for a connection: a free one, or the name, TCP and TLS of a new one.
        answer_seconds: The limit for the answer, from the moment at which the request is written.
        connections: How many connections there are at most.
        token: A bearer token.
    """

    def __init__(
        self, url: str, *, connect_seconds: float, answer_seconds: float, connections: int, token: str | None = None
    ) -> None:
        parts = urlsplit(url)
        self._tls = _tls_context() if parts.scheme == "https" else None
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._head = _head(url, token)
        self._connect_seconds = connect_seconds
        self._answer_seconds = answer_seconds
        self._connections = connections
        self._connecting = 0
        self._busy: set[HttpConnection] = set()
        self._idle: deque[HttpConnection] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._addresses: deque[AddrInfoType] = deque()
        self._addresses_until = 0.0
        self._resolving = asyncio.Lock()
        self._closing_idle: asyncio.TimerHandle | None = None

    async def post(self, headers: bytes, body: bytes) -> Answer:
        """Send a JSON document; what was answered.

        Args:
            headers: Headers of this request, each with its line end.
            body: The document.

        Raises:
            NotConnectedError: There was no connection; nothing was sent.
            NoAnswerError: The request may have arrived.
        """
        request = b"%bContent-Length: %d\r\n%b\r\n%b" % (self._head, len(body), headers, body)
        connection = self._idle.pop() if self._idle else await self._connected()
        if not connection.usable:
            raise NotConnectedError("the connection was closed at once")
        self._busy.add(connection)
        return await connection.exchange(request, self._answer_seconds)

    async def close(self) -> None:
        """Close all connections; requests that wait for answers fail."""
        if self._closing_idle is not None:
            self._closing_idle.cancel()
        for connection in [*self._idle, *self._busy]:
            connection.close("the client was closed")
        # transports close in the next round of the loop
        await asyncio.sleep(0)

    async def _connected(self) -> HttpConnection:
        try:
            async with asyncio.timeout(self._connect_seconds):
                while self._connecting + len(self._busy) + len(self._idle) >= self._connections:
                    await self._freed()
                    if self._idle:
                        return self._idle.pop()
                self._connecting += 1
                try:
                    return await self._connect()
                except BaseException:
                    self._wake()
                    raise
                finally:
                    self._connecting -= 1
        except TimeoutError as error:
            raise NotConnectedError("no connection in time") from error
        except (OSError, UnicodeError) as error:
            # names that do not resolve and TLS that is not agreed on are among them
            raise NotConnectedError(type(error).__name__) from error

    async def _connect(self) -> HttpConnection:
        loop = asyncio.get_running_loop()
        tcp = await start_connection(await self._resolved(), happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS)
        try:
            if self._tls is None:
                _, connection = await loop.create_connection(lambda: HttpConnection(self), sock=tcp)
            else:
                _, connection = await loop.create_connection(
                    lambda: HttpConnection(self),
                    sock=tcp,
                    ssl=self._tls,
                    server_hostname=self._host,
                    ssl_handshake_timeout=self._connect_seconds,
                    ssl_shutdown_timeout=_TLS_SHUTDOWN_SECONDS,
                )
        except BaseException:
            tcp.close()
            raise
        return connection

    async def _resolved(self) -> list[AddrInfoType]:
        """The addresses of the host; each connection begins with another one."""
        loop = asyncio.get_running_loop()
        async with self._resolving:
            if loop.time() >= self._addresses_until:
                self._addresses = deque(await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM))
                self._addresses_until = loop.time() + _ADDRESSES_SECONDS
        self._addresses.rotate(-1)
        return list(self._addresses)

    async def _freed(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                self._waiting.remove(waiter)
            else:
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def done(self, connection: HttpConnection) -> None:
        """Keep a connection for the next request."""
        self._busy.discard(connection)
        self._idle.append(connection)
        if self._closing_idle is None:
            self._closing_idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._close_idle)
        self._wake()

    def lost(self, connection: HttpConnection) -> None:
        """Forget a connection."""
        if connection in self._busy:
            self._busy.discard(connection)
        elif connection in self._idle:
            self._idle.remove(connection)
        self._wake()

    def _close_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self._closing_idle = None
        # the one that was used last is at the end
        while self._idle:
            remaining = self._idle[0].idle_since + IDLE_SECONDS - loop.time()
            if remaining > 0:
                self._closing_idle = loop.call_later(remaining, self._close_idle)
                return
            self._idle[0].close("it was idle")


def _tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _head(url: str, token: str | None) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {parts.netloc.rpartition('@')[2]}",
        "User-Agent: leopard",
        "Accept: */*",
        "Content-Type: application/json",
    ]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    elif parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        lines.append(f"Authorization: Basic {base64.b64encode(pair).decode()}")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")
