"""An estimate counts the customers that a send would select."""

from typing import Any

import httpx2
import pytest

from campaign_api.audiences import estimate
from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers


async def estimated(client: httpx2.AsyncClient, audience: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post("/audiences/estimate", json={"audience": audience})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_an_estimate_counts_what_a_send_selects(client: httpx2.AsyncClient, connection: Connection) -> None:
    customers = await add_customers(connection, 10)
    await add_customers(connection, 4, location=None, first_number=10)
    await connection.execute("INSERT INTO customers (phone) VALUES ('+9990000000001')")
    for audience, count in (
        ({"all": True}, 14),
        ({"all": True, "limit": 6}, 6),
        ({"all": True, "limit": 60}, 14),
        ({"filter": {"location": "Nairobi"}}, 10),
        ({"filter": {"field": "location", "set": False}}, 4),
        ({"customer_ids": customers[:3]}, 3),
        ({"all": True, "exclude": {"customer_ids": customers}}, 4),
        ({"filter": {"location": "Kisumu"}}, 0),
    ):
        found = await estimated(client, audience)
        assert (found["count"], found["exact"]) == (count, True), audience
        assert len(found["examples"]) == min(count, 5)
        if count:
            campaign_id = await add_campaign(connection, status="draft")
            sent = await client.post(f"/campaigns/{campaign_id}/send", json={"audience": audience})
            assert sent.json()["messages_queued"] == count


async def test_an_estimate_names_the_fields_that_are_empty(client: httpx2.AsyncClient) -> None:
    for number, attributes in enumerate([{"points": 1, "location": "a"}, {"points": 2}, {"vip": True}]):
        body = {"phone": f"+25470000000{number}", "last_name": "M", "location": "Nairobi", "attributes": attributes}
        (await client.post("/customers", json=body)).raise_for_status()
    await client.post("/customers", json={"phone": "+254700000009", "location": "Kisumu"})
    found = await estimated(client, {"filter": {"location": "Nairobi"}})
    assert found["empty_fields"] == {
        "first_name": 3,
        "preferred_product": 3,
        "preferred_language": 3,
        "time_zone": 3,
        "points": 1,
        "vip": 2,
        "attributes.location": 2,
    }
    assert [example["last_name"] for example in found["examples"]] == ["M"] * 3


async def test_a_large_audience_is_estimated_from_a_part_of_the_table(
    client: httpx2.AsyncClient, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "EXACT_UP_TO", 1000)
    monkeypatch.setattr(estimate, "COUNTED_FIELDS", 2000)
    await add_customers(connection, 20_000)
    await connection.execute("UPDATE customers SET first_name = NULL WHERE id %% 4 = 0", [])
    found = await estimated(client, {"filter": {"field": "location", "equal": "Nairobi"}})
    assert not found["exact"]
    assert 10_000 < found["count"] < 40_000
    assert 0.15 < found["empty_fields"]["first_name"] / found["count"] < 0.35
    limited = await estimated(client, {"all": True, "limit": 1500})
    assert (limited["count"], limited["exact"]) == (1500, True)
