"""A campaign to one customer through a running Leopard, by its public API alone.

The customer's number begins with +999, which E.164 assigns to nobody: a provider refuses it, and that is an end as good
as any other.
"""

import json
import random
import time
import urllib.request
from typing import Any, Final

FINISHED: Final = ("sent", "failed")


class SmokeTestError(Exception):
    """The campaign did not come to its end; says where it stands."""


def send_one(url: str, *, seconds: float) -> str:
    """Create a customer and a campaign, send, and wait for the end; what became of the message.

    Args:
        url: Where campaign-api is.
        seconds: How long to wait for the end.

    Raises:
        SmokeTestError: It did not end in time, or the preview is not what was sent.
        OSError: The API does not answer, or refuses.
    """
    number = random.randrange(10**10)  # noqa: S311 a phone number
    customer = _call(f"{url}/customers", {"phone": f"+999{number:010d}", "first_name": "Smoke"})
    campaign = _call(
        f"{url}/campaigns", {"name": "smoke test", "channel": "sms", "base_template": "Hi {first_name}, all is well."}
    )
    here = f"{url}/campaigns/{campaign['id']}"
    preview = _call(f"{here}/personalized-preview", {"customer_id": customer["id"]})
    if preview["rendered_message"] != "Hi Smoke, all is well.":
        raise SmokeTestError(f"the preview says {preview['rendered_message']!r}")
    _call(f"{here}/send", {"customer_ids": [customer["id"]]})
    deadline = time.monotonic() + seconds
    while (status := str(_call(here)["status"])) not in FINISHED:
        if time.monotonic() > deadline:
            raise SmokeTestError(f"campaign {campaign['id']} is {status} after {seconds:.0f} s")
        time.sleep(0.5)
    return status


def _call(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})  # noqa: S310 the operator's own
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return found
