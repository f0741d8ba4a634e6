"""Calls of campaign-api from commands."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

_TIMEOUT_SECONDS: Final = 60
_PATIENCE_SECONDS: Final = 30.0
"""How long the API may be unavailable; a pod may be replaced meanwhile."""


class ApiCallError(Exception):
    """The API refused a call, or cannot be reached; says why."""


def call_api(url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """POST a body, or GET if there is none; returns the answer.

    Raises:
        ApiCallError: The API refused it, or cannot be reached.
    """
    request = urllib.request.Request(  # noqa: S310 the operator chose the URL
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method="GET" if body is None else "POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            raise ApiCallError(_message_of(error)) from None
    except (OSError, ValueError) as error:
        raise ApiCallError(f"the API cannot be reached or does not answer: {error}") from error


def get_patiently(url: str, pause_seconds: float) -> dict[str, Any]:
    """GET an answer, and try again for a while where there is none.

    Args:
        url: What to get.
        pause_seconds: How long to wait before the next try.

    Raises:
        ApiCallError: The API refused every time, or could not be reached.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return call_api(url)
        except ApiCallError:
            if time.monotonic() > deadline:
                raise
            time.sleep(pause_seconds)


def _message_of(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the API answered with HTTP {error.code}"
