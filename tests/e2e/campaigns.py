"""Create campaigns as a client, and wait for them."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2

FINAL = {"sent", "failed"}


def create_customers(client: httpx2.Client, count: int, **fields: str) -> list[int]:
    # an existing stack already has customers, so choose other phone numbers
    start = random.randrange(10**8)

    def create(n: int) -> int:
        body = {"phone": f"+2547{(start + n) % 10**8:08d}", "first_name": f"Customer {n}", **fields}
        created: dict[str, Any] = client.post("/customers", json=body).raise_for_status().json()
        return int(created["id"])

    with ThreadPoolExecutor(8) as pool:
        return sorted(pool.map(create, range(count)))


def create_campaign(client: httpx2.Client, **fields: Any) -> int:
    body = {"name": "e2e", "channel": "sms", "base_template": "Hi {first_name}", **fields}
    campaign_id: int = client.post("/campaigns", json=body).raise_for_status().json()["id"]
    return campaign_id


def wait_until_finished(client: httpx2.Client, campaign_id: int, *, seconds: float = 120) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while True:
        campaign: dict[str, Any] = client.get(f"/campaigns/{campaign_id}").raise_for_status().json()
        stats = campaign["stats"]
        assert stats["total"] == stats["pending"] + stats["sent"] + stats["failed"]
        if campaign["status"] in FINAL:
            return campaign
        assert time.monotonic() < deadline, campaign
        time.sleep(0.1)


def all_messages(client: httpx2.Client, campaign_id: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        body = (
            client.get(f"/campaigns/{campaign_id}/messages", params={"cursor": cursor, "page_size": 100})
            .raise_for_status()
            .json()
        )
        found += body["messages"]
        cursor = body["pagination"]["next_cursor"]
    return found
