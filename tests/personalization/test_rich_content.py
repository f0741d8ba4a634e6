"""Rich content from the request to the provider: previews, messages and the provider's ledger hold the same."""

import json
import random
from collections.abc import Mapping
from typing import Any, Final

import pytest

from leopard.db.pool import Connection
from personalization.running import api, simulator
from support.factories import add_customers
from troubles.services import services, until_finished

CUSTOMERS: Final = 60
IMAGE: Final = "https://example.com/shoe.png"

PARTS: Final = {
    "header": {"type": "image", "url": "{attributes.image}"},
    "footer": "Reply STOP to unsubscribe",
    "buttons": [
        {"type": "reply", "text": "{attributes.answer}", "payload": "{attributes.order}"},
        {"type": "url", "text": "Open", "url": "https://example.com/{location|urlencode}"},
        {"type": "call", "text": "Call us", "phone": "{phone}"},
    ],
}
TEMPLATE: Final = {
    "template": {
        "name": "order_update",
        "language": '{{if preferred_language == "sw"}}sw{{else}}en{{end}}',
        "header": {"type": "document", "url": "{attributes.image}", "filename": "{attributes.order}"},
        "body": ["{first_name}", "{attributes.answer|truncate:1000}"],
        "buttons": [{"index": 1, "type": "copy_code", "value": "{attributes.answer}"}],
    }
}
VARIANTS: Final = [
    {"name": "a", "base_template": "Hi {first_name}", "templates": {"sw": "Habari {first_name}"}},
    {"name": "b", "base_template": "Hello {first_name} in {location}"},
]

VALUES: Final[Mapping[str, list[Any]]] = {
    "image": [IMAGE, IMAGE, IMAGE, IMAGE, "ftp://example.com", "", None],
    "answer": ["Yes", "{first_name}", "Ndiyo 👍", "x" * 15, "Yes", "x" * 26, " "],
    "order": ["A-1042", "", None, 7, "x" * 200],
}


async def various_customers(connection: Connection) -> list[int]:
    ids = await add_customers(connection, CUSTOMERS)
    chosen = random.Random(15)
    for customer_id in ids:
        attributes = {name: chosen.choice(values) for name, values in VALUES.items()}
        await connection.execute(
            "UPDATE customers SET attributes = %s::jsonb, preferred_language = %s, location = %s WHERE id = %s",
            [
                json.dumps(attributes),
                chosen.choice(["sw", "en", None]),
                chosen.choice(["Thika Road", None]),
                customer_id,
            ],
        )
    return ids


@pytest.mark.parametrize("content", [PARTS, TEMPLATE], ids=["parts", "template"])
async def test_the_provider_gets_the_content_that_previews_and_messages_show(
    connection: Connection, database_url: str, amqp_url: str, content: dict[str, Any]
) -> None:
    customers = await various_customers(connection)
    async with (
        simulator() as (provider, url),
        api(database_url, amqp_url) as client,
        services(database_url, amqp_url, url=url),
    ):
        campaign = {"name": "Rich", "channel": "whatsapp", "variants": VARIANTS, "content": content}
        campaign_id = (await client.post("/campaigns", json=campaign)).raise_for_status().json()["id"]
        previews = {}
        for customer_id in customers:
            body = {"customer_id": customer_id}
            answer = await client.post(f"/campaigns/{campaign_id}/personalized-preview", json=body)
            previews[customer_id] = answer.raise_for_status().json()
        await client.post(f"/campaigns/{campaign_id}/send", json={"audience": {"all": True}})
        counts = await until_finished(connection, campaign_id)
        listed = await client.get(f"/campaigns/{campaign_id}/messages", params={"page_size": 100})
        received = {entry["message_id"]: entry for entry in provider.ledger}

    sent = {message["customer_id"]: message for message in listed.json()["messages"]}
    assert sent.keys() == previews.keys()
    for customer_id, preview in previews.items():
        message = sent[customer_id]
        if "content" in preview:
            entry = received[message["id"]]
            assert preview["content"] == message["content"] == entry["content"]
            assert preview["rendered_message"] == message["rendered_content"] == entry["text"]
        else:
            reason = preview["warnings"][0].removeprefix("The message cannot be sent to this customer: ")
            assert message["status"] == "failed"
            assert message["last_error"] == f"the message cannot be sent to this recipient: {reason}"
            assert message["id"] not in received
    # both happened, and nothing else
    assert counts.keys() == {"sent", "failed"}
    assert counts == {"sent": len(received), "failed": CUSTOMERS - len(received)}
