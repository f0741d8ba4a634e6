"""Customers are created, read, changed and deleted according to the contract."""

from typing import Any

import httpx2
import pytest

from leopard.db.pool import Connection
from support.factories import add_customers

NEW = {
    "phone": "+254700123456",
    "first_name": "Alice",
    "last_name": None,
    "location": "Nairobi",
    "preferred_product": None,
}


async def test_a_customer_is_created_and_read(client: httpx2.AsyncClient) -> None:
    created = await client.post("/customers", json=NEW)
    assert created.status_code == 201
    customer = created.json()
    assert {name: customer[name] for name in NEW} == NEW
    assert customer["created_at"].endswith("Z")
    assert (await client.get(f"/customers/{customer['id']}")).json() == customer


async def test_only_the_phone_is_required(client: httpx2.AsyncClient) -> None:
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
        {"phone": "+2547001"},
        {"phone": "+210123456789"},
        {"phone": "+254700123456 ext. 5"},
        {"phone": "+1800FLOWERS"},
        {"phone": "+254700123456", "first_name": 1},
        {"phone": "+254700123456", "first_name": "a\0b"},
        {"phone": "+254700123456", "first_name": "x" * 1001},
    ],
)
async def test_an_invalid_customer_is_refused(client: httpx2.AsyncClient, body: Any) -> None:
    answer = await client.post("/customers", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"
    assert answer.json()["error"]["details"][0]["field"] in {"phone", "first_name"}


async def test_a_phone_belongs_to_one_customer(client: httpx2.AsyncClient) -> None:
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


@pytest.mark.parametrize(
    "written",
    ["+4407911123456", "+44 (0)7911 123456", "+44-7911-123456", "0044 7911 123456", "\u202a+447911123456\u202c"],
)
async def test_all_spellings_of_a_number_are_the_same_customer(client: httpx2.AsyncClient, written: str) -> None:
    created = await client.post("/customers", json={"phone": written})
    assert (created.status_code, created.json()["phone"]) == (201, "+447911123456")
    again = await client.post("/customers", json={"phone": "+447911123456"})
    assert (again.status_code, again.json()["error"]["message"]) == (400, "phone: is already taken by another customer")


async def test_a_number_stored_in_another_spelling_is_taken_and_kept(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    await connection.execute("INSERT INTO customers (phone) VALUES ('+4407911123456'), ('+254700123456')")
    for answer in (
        await client.post("/customers", json={"phone": "+447911123456"}),
        await client.post("/customers", json={"phone": "+4407911123456"}),
        await client.patch("/customers/2", json={"phone": "+447911123456"}),
    ):
        assert answer.json()["error"]["message"] == "phone: is already taken by another customer"
    renamed = await client.patch("/customers/1", json={"first_name": "Alice"})
    assert renamed.json()["phone"] == "+4407911123456"
    assert (await client.patch("/customers/1", json={"phone": "+447911123456"})).json()["phone"] == "+447911123456"


async def test_the_error_of_a_refused_number_gives_the_reason_without_the_number(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/customers", json={"phone": "+2547001"})
    assert answer.json()["error"]["details"] == [{"field": "phone", "message": "is too short for its country"}]


async def test_patch_changes_only_the_fields_in_the_body_and_can_set_null(client: httpx2.AsyncClient) -> None:
    customer = (await client.post("/customers", json=NEW)).json()
    changed = await client.patch(f"/customers/{customer['id']}", json={"first_name": None, "last_name": "Mwangi"})
    body = changed.json()
    assert (body["first_name"], body["last_name"], body["location"]) == (None, "Mwangi", "Nairobi")
    assert (await client.patch(f"/customers/{customer['id']}", json={"phone": None})).status_code == 400


async def test_a_deleted_customer_is_not_found(client: httpx2.AsyncClient) -> None:
    customer = (await client.post("/customers", json=NEW)).json()
    assert (await client.delete(f"/customers/{customer['id']}")).status_code == 204
    for answer in (
        await client.get(f"/customers/{customer['id']}"),
        await client.patch(f"/customers/{customer['id']}", json={}),
        await client.delete(f"/customers/{customer['id']}"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "CUSTOMER_NOT_FOUND")


async def test_all_customers_are_listed_once(client: httpx2.AsyncClient, connection: Connection) -> None:
    ids = await add_customers(connection, 45)
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        body = (await client.get("/customers", params={"cursor": cursor})).json()
        seen += [customer["id"] for customer in body["customers"]]
        cursor = body["pagination"]["next_cursor"]
    assert seen == ids
