"""The smoke test: sends a campaign to one test customer. Uses only the public API.

The customer's number starts with +999, which E.164 does not assign. A provider may refuse it: the test accepts both
`sent` and `failed`. At the end it removes the customer and its messages. The campaign stays, without messages.
"""

import http.client
import json
import random
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any, Final

from leopard.domain.phone_numbers import TEST_PREFIX
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

FINISHED: Final = ("sent", "failed")
_REMOVAL_TRIES: Final = 5


class SmokeTestError(Exception):
    """The campaign did not finish, or the test customer was not removed; says what is wrong."""


def send_one(url: str, *, seconds: float) -> str:
    """Create a customer and a campaign, send, wait until it is finished, and remove the customer.

    Args:
        url: The URL of campaign-api.
        seconds: How long to wait until the campaign is finished.

    Returns:
        The status of the finished campaign.

    Raises:
        SmokeTestError: It did not finish in time, the preview is wrong, or the customer cannot be removed.
        OSError: The API does not answer, or refuses a request.
    """
    number = random.randrange(10**10)  # noqa: S311 a phone number
    customer = _call(f"{url}/customers", {"phone": f"{TEST_PREFIX}{number:010d}", "first_name": "Smoke"})
    customer_url = f"{url}/customers/{customer['id']}"
    try:
        status = _send(url, customer["id"], seconds)
    except BaseException:
        if (problem := _remove(customer_url)) is not None:
            log.warning("test customer not removed", url=customer_url, reason=problem)
        raise
    if (problem := _remove(customer_url)) is not None:
        raise SmokeTestError(f"the campaign is {status}, but the test customer was not removed: {problem}")
    return status


def _send(url: str, customer_id: int, seconds: float) -> str:
    campaign = _call(
        f"{url}/campaigns", {"name": "smoke test", "channel": "sms", "base_template": "Hi {first_name}, all is well."}
    )
    here = f"{url}/campaigns/{campaign['id']}"
    preview = _call(f"{here}/personalized-preview", {"customer_id": customer_id})
    if preview["rendered_message"] != "Hi Smoke, all is well.":
        raise SmokeTestError(f"the preview says {preview['rendered_message']!r}")
    _call(f"{here}/send", {"customer_ids": [customer_id]})
    deadline = time.monotonic() + seconds
    while (status := str(_call(here)["status"])) not in FINISHED:
        if time.monotonic() > deadline:
            raise SmokeTestError(f"campaign {campaign['id']} is {status} after {seconds:.0f} s")
        time.sleep(0.5)
    return status


def _remove(customer_url: str) -> str | None:
    """Remove the customer; returns why that failed, or None."""
    request = urllib.request.Request(customer_url, method="DELETE")  # noqa: S310 the operator chose the URL
    for tries_left in reversed(range(_REMOVAL_TRIES)):
        try:
            with urllib.request.urlopen(request, timeout=30):  # noqa: S310
                return None
        except urllib.error.HTTPError as error:
            problem = str(error)
            if error.code == HTTPStatus.NOT_FOUND:
                return None
        except (OSError, http.client.HTTPException) as error:
            problem = str(error)
        if tries_left:
            time.sleep(1)
    return problem


def _call(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})  # noqa: S310 the operator chose the URL
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
    except (ValueError, http.client.HTTPException) as error:
        raise SmokeTestError(f"{url} does not answer as campaign-api does: {type(error).__name__}") from error
    return found
