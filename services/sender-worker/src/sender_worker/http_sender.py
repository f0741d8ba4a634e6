"""Sends messages over HTTP; the only file of the worker that opens sockets to a provider.

A connection that is not made means that nothing was sent. A request without an answer may have been accepted.
"""

from urllib.parse import urlsplit

import aiohttp

from leopard.providers.contract import OutgoingMessage, SendOutcome, Unavailable, Unknown
from leopard.providers.generic_http import connect_seconds, outcome_of, request_body, request_headers


class HttpSender:
    """Keeps a pool of connections to one endpoint."""

    def __init__(self, url: str, *, timeout_seconds: float, connections: int, token: str | None = None) -> None:
        self._url = url
        self._account = f"{url} {token or ''}"
        # connecting has a clock of its own: counted into the answer's, it would leave the provider so little that a
        # message is given up as unknown which was about to be accepted
        self._timeout = aiohttp.ClientTimeout(
            total=connect_seconds(timeout_seconds) + timeout_seconds,
            connect=connect_seconds(timeout_seconds),
            sock_read=timeout_seconds,
        )
        self._connections = connections
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        """The host that is asked."""
        return f"http {urlsplit(self._url).netloc.rpartition('@')[2]}"

    @property
    def account(self) -> str:
        """The endpoint and the token."""
        return self._account

    @property
    def capacity(self) -> int:
        """One message a connection."""
        return self._connections

    async def send(self, message: OutgoingMessage) -> SendOutcome:
        """Hand a message over."""
        if self._session is None:
            # here and not in __init__: a session belongs to a running loop
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=10)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout, headers=self._headers)
        try:
            async with self._session.post(
                self._url, json=request_body(message), headers=request_headers(message), allow_redirects=False
            ) as response:
                return outcome_of(response.status, response.headers.get("Retry-After"))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Unavailable(f"cannot be reached: {type(error).__name__}")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unknown(f"provider did not answer: {type(error).__name__}")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
