"""Limits of request bodies: JSON only, and not too large."""

import asyncio
import contextlib
import json
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from campaign_api.web.errors import STATUS, ErrorCode, error_body
from leopard.runtime.http_protocol import DRAIN_BYTES, DRAIN_SECONDS

_WITH_BODY: Final = {"POST", "PATCH", "PUT"}
_LONGEST_WORDS: Final = 100


class _TooLargeError(Exception):
    pass


class RequestBody:
    """Middleware that refuses bodies that are too large or declare another type than JSON.

    A body without a media type counts as JSON; a body that streams is counted as it arrives. FastAPI's own
    `max_body_size` answers some requests with plain text, and does not read the rest of the body.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, streams: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._streams = streams
        """Paths whose bodies have any size and type: their routes read them as streams."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 413 or 415."""
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY or scope["path"] in self._streams:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        media_type = headers.get(b"content-type", b"").decode("latin-1").split(";")[0].strip().lower()
        if media_type and media_type != "application/json" and not media_type.endswith("+json"):
            message = f"The body must be application/json, not {media_type[:_LONGEST_WORDS]}"
            await _refuse(ErrorCode.UNSUPPORTED_MEDIA_TYPE, message, receive, send)
            return
        try:
            await self._counted(scope, receive, send, int(headers.get(b"content-length", b"0")))
        except _TooLargeError:
            message = f"The body must not exceed {self._max_bytes} bytes"
            await _refuse(ErrorCode.PAYLOAD_TOO_LARGE, message, receive, send, wanted=not _waits(headers))

    async def _counted(self, scope: Scope, receive: Receive, send: Send, declared: int) -> None:
        received = 0
        answering = False

        async def counted_receive() -> Message:
            nonlocal received
            part = await receive()
            received += len(part.get("body", b""))
            if received > self._max_bytes:
                raise _TooLargeError
            return part

        async def watched_send(part: Message) -> None:
            nonlocal answering
            # FastAPI answers 400 for a body that it could not read; replace that answer
            if received > self._max_bytes and not answering:
                raise _TooLargeError
            answering = True
            await send(part)

        if declared > self._max_bytes:
            raise _TooLargeError
        await self._app(scope, counted_receive, watched_send)


def _waits(headers: dict[bytes, bytes]) -> bool:
    """Whether the client waits for `100 Continue` before it sends the body."""
    return headers.get(b"expect", b"").strip().lower() == b"100-continue"


async def _refuse(code: ErrorCode, message: str, receive: Receive, send: Send, *, wanted: bool = True) -> None:
    """Answer at once, then read the rest: most clients read the answer after they have sent everything.

    Args:
        code: Why it is refused.
        message: The words for it.
        receive: Where the body comes from.
        send: Where the answer goes.
        wanted: Whether to read the rest; reading is what makes a client that waits for a sign send it.
    """
    body = json.dumps(error_body(code, message)).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": STATUS[code], "headers": headers})
    # complete for the client, but not for the server, which closes the connection at the end
    await send({"type": "http.response.body", "body": body, "more_body": True})
    if wanted:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await _drain(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    drained = 0
    while drained <= DRAIN_BYTES:
        part = await receive()
        if part["type"] != "http.request" or not part.get("more_body"):
            return
        drained += len(part.get("body", b""))
