"""The previews of 1,000 random customers equal, byte for byte, what the provider received."""

import asyncio
import json
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from leopard.db.pool import Connection
from leopard.domain.blank_text import is_blank
from personalization.campaigns import ALL
from personalization.customers import add_random_customers
from personalization.running import api, simulator
from support.factories import rows
from troubles.services import services, until_finished

CUSTOMERS: Final = 1000
SEED: Final = int(os.environ.get("SEED") or random.randrange(10**6))
"""Makes the customers. `SEED=7 make test TESTS=tests/personalization` makes those of an earlier run again."""
AT_ONCE: Final = 8
"""Previews that are asked at the same time."""

NOT_SENDABLE: Final = "The message cannot be sent to this customer: "


@dataclass
class Kinds:
    """The customers of a campaign by what their previews announce."""

    sent: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)
    """With the reason that the message must have."""
    held_out: set[int] = field(default_factory=set)


async def previews_of(client: httpx2.AsyncClient, campaign_id: int, customers: Sequence[int]) -> dict[int, Any]:
    turns = asyncio.Semaphore(AT_ONCE)
    url = f"/campaigns/{campaign_id}/personalized-preview"

    async def preview_of(customer_id: int) -> Any:
        async with turns:
            return (await client.post(url, json={"customer_id": customer_id})).raise_for_status().json()

    return dict(zip(customers, await asyncio.gather(*map(preview_of, customers)), strict=True))


def kinds_of(previews: Mapping[int, Any]) -> Kinds:
    kinds = Kinds()
    for customer_id, preview in previews.items():
        reasons = [one.removeprefix(NOT_SENDABLE) for one in preview.get("warnings", []) if NOT_SENDABLE in one]
        if preview.get("held_out"):
            kinds.held_out.add(customer_id)
        elif reasons:
            kinds.failed[customer_id] = f"the message cannot be sent to this recipient: {reasons[0]}"
        elif is_blank(preview["rendered_message"]):
            kinds.failed[customer_id] = "the text is empty for this recipient"
        else:
            kinds.sent.add(customer_id)
    return kinds


def as_bytes(text: str, content: Any) -> tuple[bytes, bytes]:
    return text.encode(), json.dumps(content, ensure_ascii=False).encode()


async def test_the_provider_receives_exactly_what_the_previews_show(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    print(f"SEED={SEED}")  # noqa: T201 pytest shows it if the test fails
    customers = await add_random_customers(connection, CUSTOMERS, SEED)
    previews: dict[int, dict[int, Any]] = {}
    async with (
        simulator() as (provider, url),
        api(database_url, amqp_url) as client,
        services(database_url, amqp_url, url=url),
    ):
        for campaign in ALL:
            created = (await client.post("/campaigns", json=campaign)).raise_for_status().json()
            previews[created["id"]] = await previews_of(client, created["id"], customers)
        for campaign_id in previews:
            sent = await client.post(f"/campaigns/{campaign_id}/send", json={"audience": {"all": True}})
            sent.raise_for_status()
        for campaign_id in previews:
            await until_finished(connection, campaign_id)
        received = {entry["message_id"]: entry for entry in provider.ledger}
    assert len(received) == len(provider.ledger), "no message is sent twice"

    for campaign_id, of_campaign in previews.items():
        kinds = kinds_of(of_campaign)
        stored = await rows(
            connection,
            "SELECT messages.*, phone FROM outbound_messages AS messages JOIN customers ON customers.id = customer_id"
            " WHERE campaign_id = %s",
            campaign_id,
        )
        messages = {message["customer_id"]: message for message in stored}
        assert messages.keys() == kinds.sent | kinds.failed.keys()
        for customer_id, message in messages.items():
            preview, entry = of_campaign[customer_id], received.pop(message["id"], None)
            if customer_id in kinds.failed:
                assert (message["status"], message["last_error"]) == ("failed", kinds.failed[customer_id])
                assert entry is None
            else:
                assert message["status"] == "sent"
                assert entry is not None
                assert entry["to"] == message["phone"]
                shown = as_bytes(preview["rendered_message"], preview.get("content"))
                assert as_bytes(entry["text"], entry.get("content")) == shown
                assert (message["rendered_content"], message["content"]) == (entry["text"], entry.get("content"))
    assert not received, "the provider got messages of nobody"


async def test_the_random_customers_reach_every_kind_of_message(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    customers = await add_random_customers(connection, CUSTOMERS // 5, SEED)
    async with api(database_url, amqp_url) as client:
        for campaign in ALL:
            created = (await client.post("/campaigns", json=campaign)).raise_for_status().json()
            previews = await previews_of(client, created["id"], customers)
            assert {preview.get("variant") for preview in previews.values()} == {
                variant["name"] for variant in campaign.get("variants", [{"name": None}])
            }
            assert len({preview.get("language") for preview in previews.values()}) > 1
            kinds = kinds_of(previews)
            assert len(kinds.sent) > CUSTOMERS // 50
            assert bool(kinds.held_out) == ("holdout_percent" in campaign)
            assert bool(kinds.failed) == ("variants" in campaign)
