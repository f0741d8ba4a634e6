"""HTTP as uvicorn speaks it, with Leopard's error body for what it refuses before any application sees it."""

import json
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MOST_HEAD_BYTES: Final = 64 * 1024
"""How long a request's line and headers may be together."""

DRAIN_BYTES: Final = 64 * 1024 * 1024
DRAIN_SECONDS: Final = 5.0
"""How much, and how long, is read of a refused request: most clients read an answer after they have sent all."""


class LeopardHttpProtocol(HttpToolsProtocol):
    """A connection whose refusals are JSON, and can be read by a client that is still sending."""

    _head_bytes = 0
    _in_head = True
    _refused = False
    _drained_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
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
        """A request begins."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A request's headers are complete."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request is complete; what comes next is the head of another."""
        super().on_message_complete()
        self._in_head = True
        self._head_bytes = 0

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP request; the connection ends once the client has seen why."""
        self._refused = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and cycle.response_started:
            # an answer is under way, and another one in the middle of it would be read as part of it
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
