"""An audience is all customers or those that match a filter. A filter accepts every value that can be stored."""

import json

import httpx2
import pytest

from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers, rows


@pytest.mark.parametrize(
    "value",
    [
        "São\u00a0Paulo",
        "a\tb\nc",
        "\x01\x7f\x85",
        "\u200b\u200d\u2028\u202e",
        "👋🏾",
        "\ue000\uffff",
        "",
        " x ",
        "x" * 1000,
    ],
    ids=ascii,
)
@pytest.mark.parametrize("field", ["location", "preferred_product"])
async def test_a_filter_accepts_every_value_that_can_be_stored(
    client: httpx2.AsyncClient, value: str, field: str
) -> None:
    assert (await client.post("/customers", json={"phone": "+254700000001", field: value})).status_code == 201
    await client.post("/customers", json={"phone": "+254700000002", field: "elsewhere"})
    new = {"name": "Summer", "channel": "sms", "base_template": "Hi", "audience": {"filter": {field: value}}}
    campaign = (await client.post("/campaigns", json=new)).json()
    assert campaign["audience"] == new["audience"]
    sent = await client.post(f"/campaigns/{campaign['id']}/send", json={"audience": new["audience"]})
    assert sent.json()["messages_queued"] == 1


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "x" * 1001], ids=ascii)
async def test_a_filter_refuses_every_value_that_cannot_be_stored(client: httpx2.AsyncClient, value: str) -> None:
    headers = {"content-type": "application/json"}
    for url, body in (
        ("/customers", {"phone": "+254700000001", "location": value}),
        ("/campaigns/1/send", {"audience": {"filter": {"location": value}}}),
    ):
        answer = await client.post(url, content=json.dumps(body).encode(), headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")


async def test_test_customers_are_in_no_audience_but_can_be_sent_to_by_id(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    await add_customers(connection, 2, location="Kisumu")
    [test_customer] = await rows(
        connection, "INSERT INTO customers (phone, location) VALUES ('+9990123456789', 'Kisumu') RETURNING id"
    )
    for audience in ({"all": True}, {"filter": {"location": "Kisumu"}}):
        campaign_id = await add_campaign(connection, status="draft")
        answer = await client.post(f"/campaigns/{campaign_id}/send", json={"audience": audience})
        assert answer.json()["messages_queued"] == 2
    campaign_id = await add_campaign(connection, status="draft")
    named = await client.post(f"/campaigns/{campaign_id}/send", json={"customer_ids": [test_customer["id"]]})
    assert named.json()["messages_queued"] == 1
