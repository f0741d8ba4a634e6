"""Uvicorn's HTTP protocol, with Leopard's error body for requests that never reach the application."""

import json
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MOST_HEAD_BYTES: Final = 64 * 1024
"""The limit for a request's line and headers together."""

DRAIN_BYTES: Final = 64 * 1024 * 1024
DRAIN_SECONDS: Final = 5.0
"""Limits for reading the rest of a refused request. Most clients read the response only after they sent everything."""


class LeopardHttpProtocol(HttpToolsProtocol):
    """A connection that refuses requests in JSON. A client that is still sending can read the refusal."""

    _head_bytes = 0
    _in_head = True
    _refused = False
    _drained_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Handle received bytes."""
        if self._refused:
            self._drained_bytes += len(data)
            if self._drained_bytes > DRAIN_BYTES:
                self.transport.close()
            return
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MOST_HEAD_BYTES and not self._refused:
            self.send_400_response("The request's headers are too large")

    def on_message_begin(self) -> None:
        """Start a request."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Finish a request's headers."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Finish a request. The next bytes are the head of another one."""
        super().on_message_complete()
        self._in_head = True
        self._head_bytes = 0

    def send_400_response(self, msg: str) -> None:
        """Refuse an invalid HTTP request, and close the connection after the client could read the reason."""
        self._refused = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and cycle.response_started:
            # a response is being sent; a second one would be read as part of it
            self.transport.close()
            return
        body = json.dumps({"error": {"code": "INVALID_REQUEST", "message": msg.rstrip(".")}}).encode()
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[400] + head + body)
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(DRAIN_SECONDS, self.transport.close)
