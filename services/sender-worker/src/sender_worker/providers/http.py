"""A provider that is spoken to over HTTP.

    POST {url}
    Idempotency-Key: 9001
    {"message_id": 9001, "channel": "sms", "to": "+254700123456", "text": "Hi Alice"}

2xx: accepted. 429: throttled, for `Retry-After` seconds. 400, 404, 410, 422: refused for good. What ends without an
answer (a time-out, a reset, a gateway's 502 or 504) is unknown; everything else is refused for the time being.
"""

from typing import Final

import aiohttp

from sender_worker.providers.provider import Accepted, Answer, OutgoingMessage, Refused, Throttled, Unknown

_PERMANENT: Final = {400, 404, 410, 422}
_NO_ANSWER: Final = {408, 502, 504}
_TOO_MANY_REQUESTS: Final = 429
_DEFAULT_RETRY_AFTER_SECONDS: Final = 1.0
_MAX_RETRY_AFTER_SECONDS: Final = 3600.0
_CONNECT_SECONDS: Final = 5.0


def connect_seconds(timeout_seconds: float) -> float:
    """How long connecting may take at the most; who has not been asked by then was sent nothing."""
    return min(_CONNECT_SECONDS, timeout_seconds)


class HttpProvider:
    """Keeps a pool of connections to one endpoint."""

    def __init__(self, url: str, *, timeout_seconds: float, connections: int, token: str | None = None) -> None:
        self._url = url
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
    def capacity(self) -> int:
        """One message a connection."""
        return self._connections

    async def send(self, message: OutgoingMessage) -> Answer:
        """Hand a message over."""
        if self._session is None:
            # here and not in __init__: a session belongs to a running loop
            connector = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=10)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout, headers=self._headers)
        body = {
            "message_id": message.message_id,
            "channel": message.channel,
            "to": message.phone,
            "text": message.text,
        }
        key = {"Idempotency-Key": str(message.message_id)}
        try:
            async with self._session.post(self._url, json=body, headers=key) as response:
                return _answer(response.status, response.headers.get("Retry-After"))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Refused(f"provider cannot be reached: {type(error).__name__}", permanent=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unknown(f"provider did not answer: {type(error).__name__}")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def _answer(status: int, retry_after: str | None) -> Answer:
    if 200 <= status < 300:
        return Accepted()
    if status == _TOO_MANY_REQUESTS:
        return Throttled(_seconds(retry_after))
    if status in _NO_ANSWER:
        return Unknown(f"provider answered {status}")
    return Refused(f"provider answered {status}", permanent=status in _PERMANENT)


def _seconds(retry_after: str | None) -> float:
    # RFC 9110 allows a date as well; no provider that we know of sends one
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return _DEFAULT_RETRY_AFTER_SECONDS
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_SECONDS)
