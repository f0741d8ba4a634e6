"""Sends messages to the generic HTTP provider. `http_client.py` opens the sockets.

A connection that is not made means that nothing was sent. A request without an answer may have been accepted.
"""

import json
from urllib.parse import urlsplit

from leopard.providers.contract import OutgoingMessage, SendOutcome, Unavailable, Unknown
from leopard.providers.generic_http import connect_seconds, outcome_of, request_body, request_headers
from sender_worker.http_client import HttpClient, NotConnectedError
from sender_worker.http_connection import NoAnswerError


class HttpSender:
    """Sends to one endpoint."""

    def __init__(self, url: str, *, timeout_seconds: float, connections: int, token: str | None = None) -> None:
        self._url = url
        self._account = f"{url} {token or ''}"
        self._connections = connections
        # connecting has a limit of its own: otherwise a slow connection would leave the provider too little time, and
        # messages that it is about to accept would count as unknown
        self._client = HttpClient(
            url,
            connect_seconds=connect_seconds(timeout_seconds),
            answer_seconds=timeout_seconds,
            connections=connections,
            token=token,
        )

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
        headers = "".join(f"{name}: {value}\r\n" for name, value in request_headers(message).items())
        try:
            answer = await self._client.post(headers.encode("ascii"), json.dumps(request_body(message)).encode())
        except NotConnectedError as error:
            return Unavailable(f"cannot be reached: {error}")
        except NoAnswerError as error:
            return Unknown(f"provider did not answer: {error}")
        return outcome_of(answer.status, answer.retry_after)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
