"""What a request body may be: JSON, and not too large."""

from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from campaign_api.errors import STATUS, ErrorCode, error_body

_WITH_BODY: Final = {"POST", "PATCH", "PUT"}


class _TooLargeError(Exception):
    pass


class RequestBody:
    """Middleware that refuses bodies above a size, and such as are declared to be anything but JSON.

    A body that declares nothing passes for JSON; one that streams is counted as it comes.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with 413 or 415."""
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        media_type = headers.get(b"content-type", b"").decode("latin-1").split(";")[0].strip().lower()
        if media_type and media_type != "application/json" and not media_type.endswith("+json"):
            refusal = _refusal(ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"The body must be application/json, not {media_type}")
            await refusal(scope, receive, send)
            return
        try:
            await self._counted(scope, receive, send, int(headers.get(b"content-length", b"0")))
        except _TooLargeError:
            refusal = _refusal(ErrorCode.PAYLOAD_TOO_LARGE, f"The body must not exceed {self._max_bytes} bytes")
            await refusal(scope, receive, send)

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
            # FastAPI answers a body that it could not read by itself; that answer is not the one to give
            if received > self._max_bytes and not answering:
                raise _TooLargeError
            answering = True
            await send(part)

        if declared > self._max_bytes:
            raise _TooLargeError
        await self._app(scope, counted_receive, watched_send)


def _refusal(code: ErrorCode, message: str) -> JSONResponse:
    return JSONResponse(error_body(code, message), STATUS[code], headers={"Connection": "close"})
