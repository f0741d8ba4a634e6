"""Many customers in one request: each is stored or rejected by itself, and each has its own result."""

from typing import Any

import httpx2

from leopard.db.pool import Connection
from support.factories import rows


async def post(client: httpx2.AsyncClient, customers: object, **query: str) -> httpx2.Response:
    return await client.post("/customers/batch", json={"customers": customers}, params=query)


def results(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    found = answer.json()["results"]
    assert [one["index"] for one in found] == list(range(len(found)))
    return [one["result"] for one in found]


async def test_each_customer_has_its_own_result(client: httpx2.AsyncClient, connection: Connection) -> None:
    first = await post(client, [{"phone": "+254700000001", "first_name": "Ann", "attributes": {"points": 1}}])
    assert results(first) == ["created"]
    answer = await post(
        client,
        [
            {"phone": "+254 700 000 001", "attributes": {"points": None, "tags": ["a"]}},
            {"phone": "+254700000002", "first_name": "Ben"},
            {"phone": "+254700000002", "first_name": "Cem"},
            {"phone": "0700"},
            "no object",
            {"phone": "+254700000003", "attributes": {"points": "many"}},
            {"phone": "+254700000004", "first_name": "a\0b"},
            {"first_name": "Nobody"},
        ],
    )
    assert results(answer) == [
        "updated", "duplicate", "created", "rejected", "rejected", "rejected", "rejected", "rejected",
    ]  # fmt: skip
    found = answer.json()["results"]
    assert found[0]["id"] == first.json()["results"][0]["id"]
    assert found[1]["id"] == found[2]["id"]
    assert [one["field"] for one in found[3:]] == ["phone", None, "points", None, "phone"]
    assert all(one["reason"] and one["id"] is None for one in found[3:])
    stored = await rows(connection, "SELECT phone, first_name, attributes FROM customers ORDER BY phone")
    assert stored == [
        {"phone": "+254700000001", "first_name": "Ann", "attributes": {"tags": ["a"]}},
        {"phone": "+254700000002", "first_name": "Cem", "attributes": {}},
    ]
    assert results(await post(client, [{"phone": "+254700000001"}])) == ["unchanged"]


async def test_the_mode_decides_and_a_dry_run_stores_nothing(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    await post(client, [{"phone": "+254700000001"}])
    customers = [{"phone": "+254700000001", "new": 1}, {"phone": "+254700000002"}]
    assert results(await post(client, customers, dry_run="true")) == ["updated", "created"]
    assert results(await post(client, customers, mode="create_only", dry_run="true")) == ["unchanged", "created"]
    assert results(await post(client, customers, mode="update_only", dry_run="true")) == ["updated", "rejected"]
    assert len(await rows(connection, "SELECT FROM customers")) == 1
    assert await rows(connection, "SELECT FROM customer_fields") == []
    assert results(await post(client, customers, mode="update_only")) == ["updated", "rejected"]
    assert results(await post(client, customers)) == ["unchanged", "created"]


async def test_ten_thousand_customers_fit_into_a_request(client: httpx2.AsyncClient, connection: Connection) -> None:
    customers: list[dict[str, Any]] = [
        {"phone": f"+2547{n:08d}", "first_name": f"Customer {n}", "location": "Nairobi", "preferred_product": "Shoes",
         "attributes": {"points": n, "tags": ["a", "b"], "vip": False, "joined": "2026-01-31"}}
        for n in range(10_000)
    ]  # fmt: skip
    assert set(results(await post(client, customers))) == {"created"}
    assert len(await rows(connection, "SELECT FROM customers WHERE attributes->>'joined' = '2026-01-31'")) == 10_000


async def test_a_request_that_is_no_batch_is_refused(client: httpx2.AsyncClient) -> None:
    wrong: list[object] = [[], {}, None, [{"phone": "+254700000001"}] * 10_001]
    for customers in wrong:
        answer = await post(client, customers)
        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == "customers"
