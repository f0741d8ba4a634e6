"""Customers are created, read, changed and deleted as the contract says."""

from typing import Any

import httpx
import pytest

from leopard.db.pool import Connection
from leopard.testing import add_customers

NEW = {
    "phone": "+254700123456",
    "first_name": "Alice",
    "last_name": None,
    "location": "Nairobi",
    "preferred_product": None,
}


async def test_a_customer_is_created_and_read(client: httpx.AsyncClient) -> None:
    created = await client.post("/customers", json=NEW)
    assert created.status_code == 201
    customer = created.json()
    assert {name: customer[name] for name in NEW} == NEW
    assert customer["created_at"].endswith("Z")
    assert (await client.get(f"/customers/{customer['id']}")).json() == customer


async def test_only_the_phone_is_required(client: httpx.AsyncClient) -> None:
    customer = (await client.post("/customers", json={"phone": "+254700123456"})).json()
    assert (customer["first_name"], customer["location"]) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"phone": None},
        {"phone": ""},
        {"phone": "0700123456"},
        {"phone": 254700123456},
        {"phone": "+254700123456", "first_name": 1},
        {"phone": "+254700123456", "first_name": "a\0b"},
        {"phone": "+254700123456", "first_name": "x" * 1001},
    ],
)
async def test_a_customer_that_cannot_be_is_refused(client: httpx.AsyncClient, body: Any) -> None:
    answer = await client.post("/customers", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"
    assert answer.json()["error"]["details"][0]["field"] in {"phone", "first_name"}


async def test_a_phone_belongs_to_one_customer(client: httpx.AsyncClient) -> None:
    await client.post("/customers", json=NEW)
    other = (await client.post("/customers", json={"phone": "+254700123457"})).json()
    for answer in (
        await client.post("/customers", json=NEW),
        await client.patch(f"/customers/{other['id']}", json={"phone": NEW["phone"]}),
    ):
        assert answer.status_code == 400
        assert answer.json()["error"]["details"] == [
            {"field": "phone", "message": "is already taken by another customer"}
        ]


async def test_patch_changes_what_is_given_and_can_set_null(client: httpx.AsyncClient) -> None:
    customer = (await client.post("/customers", json=NEW)).json()
    changed = await client.patch(f"/customers/{customer['id']}", json={"first_name": None, "last_name": "Mwangi"})
    body = changed.json()
    assert (body["first_name"], body["last_name"], body["location"]) == (None, "Mwangi", "Nairobi")
    assert (await client.patch(f"/customers/{customer['id']}", json={"phone": None})).status_code == 400


async def test_a_deleted_customer_is_gone(client: httpx.AsyncClient) -> None:
    customer = (await client.post("/customers", json=NEW)).json()
    assert (await client.delete(f"/customers/{customer['id']}")).status_code == 204
    for answer in (
        await client.get(f"/customers/{customer['id']}"),
        await client.patch(f"/customers/{customer['id']}", json={}),
        await client.delete(f"/customers/{customer['id']}"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "CUSTOMER_NOT_FOUND")


async def test_all_customers_are_listed_once(client: httpx.AsyncClient, connection: Connection) -> None:
    ids = await add_customers(connection, 45)
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        body = (await client.get("/customers", params={"cursor": cursor})).json()
        seen += [customer["id"] for customer in body["customers"]]
        cursor = body["pagination"]["next_cursor"]
    assert seen == ids
