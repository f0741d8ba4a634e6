"""One HTTP/1.1 connection: a request is written, the head of an answer is read, and the body is dropped.

The connection is opened, and kept between requests, by `http_client.py`.
"""

import asyncio
from typing import Final, NamedTuple, Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

ANSWER_BYTES: Final = 65_536
"""No answer is read further; a connection that brings more is closed."""


class NoAnswerError(Exception):
    """The request, or a part of it, may have arrived; says what happened to the connection."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    retry_after: str | None


class Pool(Protocol):
    """Who keeps the connection."""

    def done(self, connection: "HttpConnection") -> None:
        """The connection can take another request."""
        ...

    def lost(self, connection: "HttpConnection") -> None:
        """The connection is closed."""
        ...


class HttpConnection(asyncio.Protocol):
    """Carries one request at a time.

    An answer counts as soon as its head is complete: whatever happens to the body cannot change what it means.
    """

    usable: bool
    """Whether a request can be written."""
    idle_since: float
    """When the last answer was complete, by the clock of the loop."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._retry_after: str | None = None
        self._received = 0
        self.usable = False
        self.idle_since = 0.0

    async def exchange(self, request: bytes, seconds: float) -> Answer:
        """Write a request and wait for its answer.

        Raises:
            NoAnswerError: None came in time, or the connection broke.
        """
        if self._transport is None:
            raise RuntimeError("the connection is not made")
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._answer = answer
        self._received = 0
        self._retry_after = None
        self._timer = self._loop.call_later(seconds, self.close, "no answer in time")
        # from here on the request may arrive, whatever becomes of the connection
        self._transport.write(request)
        try:
            return await answer
        except asyncio.CancelledError:
            self.close("cancelled")
            raise

    def close(self, reason: str) -> None:
        """Close it; a request that waits for its answer fails for the reason."""
        if not self.usable or self._transport is None:
            return
        self.usable = False
        self._stop_timer()
        if self._answer is None:
            self._transport.close()
        else:
            if not self._answer.done():
                self._answer.set_exception(NoAnswerError(reason))
            # an orderly end would wait for the peer to take what is still to be written
            self._transport.abort()
        self._pool.lost(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop once TCP and TLS are ready."""
        self._transport = transport  # type: ignore[assignment] # uvloop's transports inherit from nothing
        self.usable = True

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        if self._answer is None:
            self.close("it spoke unasked")
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.close(f"the answer is not HTTP: {type(error).__name__}")
            return
        if self._received > ANSWER_BYTES and self._answer is not None:
            self.close("the answer is too long")

    def eof_received(self) -> None:
        """Called by the event loop when the peer will not send anything more."""
        self.close("the connection was closed")

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the event loop."""
        self.close("the connection was closed" if error is None else type(error).__name__)

    def on_message_begin(self) -> None:
        """Called by the parser."""
        if self._answer is None:
            # more follows in the segment of a complete answer: the next request must not take it for its own
            self.close("it spoke unasked")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        if len(name) == 11 and name.lower() == b"retry-after":
            self._retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        status = self._parser.get_status_code()
        if status < 200:
            self._retry_after = None
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(status, self._retry_after))

    def on_message_complete(self) -> None:
        """Called by the parser."""
        if self._answer is None or not self.usable or self._parser.get_status_code() < 200:
            return
        if not self._parser.should_keep_alive():
            self.close("it was the last answer")
            return
        self._answer = None
        self._stop_timer()
        self.idle_since = self._loop.time()
        self._pool.done(self)
