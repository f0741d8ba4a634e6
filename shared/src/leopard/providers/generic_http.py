"""The generic HTTP provider: its request, and the meaning of its responses. Opens no socket.

    POST {url}
    Idempotency-Key: 9001
    {"message_id": 9001, "channel": "sms", "to": "+254700123456", "text": "Hi Alice"}

A message with rich content also has `content`, as docs/whatsapp.md describes it.

2xx                       accepted
400, 404, 410, 422        refused, never retried
429                       throttled, for `Retry-After`
401, 403, 503             unavailable: a fault of the account or of the provider, not of the message
no connection             unavailable
408, 502, 504, no answer  unknown
everything else           refused, retried later; redirects are never followed

`Retry-After` is a number of seconds or an HTTP date (RFC 9110, 10.2.3).
"""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from leopard.providers.contract import (
    Accepted,
    OutgoingMessage,
    Refused,
    SendOutcome,
    Throttled,
    Unavailable,
    Unknown,
)

_PERMANENT: Final = {400, 404, 410, 422}
_NO_ANSWER: Final = {408, 502, 504}
_CREDENTIALS_REFUSED: Final = {401, 403}
_TOO_MANY_REQUESTS: Final = 429
_SERVICE_UNAVAILABLE: Final = 503
_DEFAULT_RETRY_AFTER_SECONDS: Final = 1.0
_MAX_RETRY_AFTER_SECONDS: Final = 3600.0
_CONNECT_SECONDS: Final = 5.0


def connect_seconds(timeout_seconds: float) -> float:
    """The limit for connecting. If the connection is not made in this time, nothing was sent."""
    return min(_CONNECT_SECONDS, timeout_seconds)


def request_headers(message: OutgoingMessage) -> dict[str, str]:
    """The headers for one message."""
    return {"Idempotency-Key": message.idempotency_key}


def request_body(message: OutgoingMessage) -> dict[str, object]:
    """The body for one message, as JSON values."""
    body: dict[str, object] = {
        "message_id": message.message_id,
        "channel": message.channel,
        "to": message.phone,
        "text": message.text,
    }
    # absent, not null: the bodies of texts stay what providers know
    return body if message.content is None else {**body, "content": message.content}


def outcome_of(status: int, retry_after: str | None) -> SendOutcome:  # noqa: PLR0911 a return for each row of the table
    """The outcome for a response's status and `Retry-After` header."""
    if 200 <= status < 300:
        return Accepted()
    if status == _TOO_MANY_REQUESTS:
        wait = retry_after_seconds(retry_after)
        return Throttled(_DEFAULT_RETRY_AFTER_SECONDS if wait is None else wait)
    if status in _CREDENTIALS_REFUSED:
        return Unavailable(f"refuses the credentials (answered {status})", retry_after_seconds(retry_after))
    if status == _SERVICE_UNAVAILABLE:
        return Unavailable(f"answered {status}", retry_after_seconds(retry_after))
    if status in _NO_ANSWER:
        return Unknown(f"provider answered {status}")
    if 300 <= status < 400:
        return Refused(f"provider answered {status}, a redirect, which is not followed", permanent=False)
    return Refused(f"provider answered {status}", permanent=status in _PERMANENT)


def retry_after_seconds(value: str | None) -> float | None:
    """The wait in a `Retry-After` header, from 0 to 3600 seconds; None if it does not parse."""
    if not value:
        return None
    try:
        seconds = float(value) if len(value) < 100 else math.inf
    except ValueError:
        try:
            until = parsedate_to_datetime(value)
        except ValueError:
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        seconds = (until - datetime.now(UTC)).total_seconds()
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_SECONDS)
