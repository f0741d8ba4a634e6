"""Customers have attributes of any name; each keeps its first type, and their number and size are bounded."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from dispatcher.pruning import add_up_field_counts
from leopard.db.pool import Connection, Pool
from running_api import Service
from support.factories import rows

ATTRIBUTES = {"points": 120.5, "vip": True, "last_order": "2026-10-31", "tags": ["a", "b"], "note": "Hodi"}
PHONE = "+254700123456"


async def add(client: httpx2.AsyncClient, attributes: object, phone: str = PHONE) -> httpx2.Response:
    return await client.post("/customers", json={"phone": phone, "attributes": attributes})


async def fields_of(client: httpx2.AsyncClient) -> dict[str, tuple[str, int]]:
    answer = await client.get("/customers/fields")
    assert answer.status_code == 200
    return {
        ("attributes." if one["attribute"] else "") + one["name"]: (one["type"], one["customers"])
        for one in answer.json()["fields"]
    }


async def test_attributes_of_every_type_are_stored_and_shown(client: httpx2.AsyncClient) -> None:
    created = (await add(client, ATTRIBUTES)).json()
    assert created["attributes"] == ATTRIBUTES
    assert (await client.get(f"/customers/{created['id']}")).json() == created
    assert (await client.get("/customers")).json()["customers"] == [created]


async def test_a_change_merges_attributes_and_null_removes_one(client: httpx2.AsyncClient) -> None:
    created = (await add(client, ATTRIBUTES)).json()
    path = f"/customers/{created['id']}"
    changed = (await client.patch(path, json={"attributes": {"points": 7, "vip": None, "new": "x"}})).json()
    assert changed["attributes"] == {
        "points": 7, "last_order": "2026-10-31", "tags": ["a", "b"], "note": "Hodi", "new": "x",
    }  # fmt: skip
    unchanged = (await client.patch(path, json={"first_name": "Alice"})).json()
    assert unchanged["attributes"] == changed["attributes"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("many", "a number"),
        (True, "a number"),
        (["1"], "a number"),
    ],
)
async def test_an_attribute_keeps_its_first_type(client: httpx2.AsyncClient, value: object, words: str) -> None:
    created = (await add(client, {"points": 1})).json()
    refused = [
        await add(client, {"points": value}, "+254700123457"),
        await client.patch(f"/customers/{created['id']}", json={"attributes": {"points": value}}),
    ]
    for answer in refused:
        assert answer.status_code == 400
        [problem] = answer.json()["error"]["details"]
        assert problem["field"] == "attributes.points"
        assert words in problem["message"]
    assert (await client.get(f"/customers/{created['id']}")).json()["attributes"] == {"points": 1}
    assert len((await client.get("/customers")).json()["customers"]) == 1


async def test_a_text_attribute_may_look_like_a_date(client: httpx2.AsyncClient) -> None:
    await add(client, {"note": "soon"})
    assert (await add(client, {"note": "2026-10-31"}, "+254700123457")).status_code == 201
    await add(client, {"joined": "2026-10-31"}, "+254700123458")
    assert (await add(client, {"joined": "soon"}, "+254700123459")).status_code == 400


@pytest.mark.parametrize(
    ("attributes", "field"),
    [
        ({"Points": 1}, "attributes.Points"),
        ({"1st": 1}, "attributes.1st"),
        ({"": 1}, "attributes"),
        ({"größe": 1}, "attributes.größe"),
        ({"a" * 61: 1}, "attributes." + "a" * 60),
        ({"x": {"y": 1}}, "attributes.x"),
        ({"x": [1]}, "attributes.x"),
        ({"x": "a\0b"}, "attributes.x"),
        ({"x": ["\ud800"]}, "attributes.x"),
        ({"x": "y" * 1001}, "attributes.x"),
        ({"x": 10**400}, "attributes.x"),
        ({f"x{n}": n for n in range(101)}, "attributes"),
        ({f"x{n}": "y" * 1000 for n in range(17)}, "attributes"),
        ([], "attributes"),
        (None, "attributes"),
    ],
    ids=lambda value: json.dumps(value)[:30] if not isinstance(value, str) else value[:20],
)
async def test_attributes_that_nobody_may_have_are_refused(
    client: httpx2.AsyncClient, attributes: object, field: str
) -> None:
    answer = await client.post(
        "/customers",
        content=json.dumps({"phone": PHONE, "attributes": attributes}),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 400, answer.text
    if "\\ud800" not in json.dumps(attributes):
        assert answer.json()["error"]["details"][0]["field"] == field
    known = await fields_of(client)
    assert not [name for name in known if name.startswith("attributes.")], "what is refused leaves no trace"


async def test_changes_cannot_exceed_the_limits_step_by_step(client: httpx2.AsyncClient) -> None:
    created = (await add(client, {f"x{n}": n for n in range(60)})).json()
    path = f"/customers/{created['id']}"
    answer = await client.patch(path, json={"attributes": {f"y{n}": n for n in range(60)}})
    assert answer.status_code == 400
    assert "100 attributes" in answer.json()["error"]["message"]
    replaced = {f"x{n}": None for n in range(60)} | {f"y{n}": n for n in range(60)}
    assert (await client.patch(path, json={"attributes": replaced})).status_code == 200


async def test_the_number_of_different_attributes_is_bounded(serve: Callable[..., Service]) -> None:
    service = serve(max_known_attributes=3)
    async with httpx2.AsyncClient(base_url=service.url) as client:
        assert (await add(client, {"a": 1, "b": 1})).status_code == 201
        refused = await add(client, {"c": 1, "d": 1}, "+254700123457")
        assert refused.status_code == 400
        assert "3 different ones at most" in refused.json()["error"]["message"]
        assert (await add(client, {"c": 1, "a": 2}, "+254700123458")).status_code == 201


async def test_fields_are_listed_with_their_types_and_numbers_of_customers(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    first = (await add(client, {"points": 1, "location": "elsewhere"})).json()
    second = (await add(client, {"points": 2, "tags": []}, "+254700123457")).json()
    await client.patch(f"/customers/{first['id']}", json={"location": "Nairobi", "attributes": {"points": None}})
    expected = {
        "phone": ("text", 2),
        "location": ("text", 1),
        "first_name": ("text", 0),
        "attributes.points": ("number", 1),
        "attributes.tags": ("texts", 1),
        "attributes.location": ("text", 1),
    }
    assert expected.items() <= (await fields_of(client)).items()
    await client.delete(f"/customers/{second['id']}")
    expected |= {"phone": ("text", 1), "attributes.points": ("number", 0), "attributes.tags": ("texts", 0)}
    assert expected.items() <= (await fields_of(client)).items()
    await add_up_field_counts(connection)
    assert expected.items() <= (await fields_of(client)).items()
    assert await rows(connection, "SELECT field FROM customer_field_counts GROUP BY field HAVING count(*) > 1") == []


async def test_counts_stay_right_while_several_dispatchers_add_them_up(pool: Pool, connection: Connection) -> None:
    async def write(start: int) -> None:
        for number in range(start, start + 25):
            async with pool.connection() as own:
                await own.execute(
                    "INSERT INTO customers (phone, attributes) VALUES (%s, %s)", [f"+2547{number:08d}", '{"x": 1}']
                )

    async def add_up() -> None:
        for _ in range(20):
            async with pool.connection() as own:
                await add_up_field_counts(own)

    await asyncio.gather(write(0), write(100), add_up(), add_up())
    [found] = await rows(
        connection, "SELECT sum(customers)::int AS sum FROM customer_field_counts WHERE field = 'attributes.x'"
    )
    assert found["sum"] == 50


async def test_of_two_first_values_at_once_one_type_is_kept(client: httpx2.AsyncClient) -> None:
    values: list[Any] = ["text", 1, True, ["list"]]
    answers = await asyncio.gather(
        *(add(client, {"new": value}, f"+2547001234{n:02d}") for n, value in enumerate(values))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]


@pytest.mark.parametrize(
    ("field", "given", "stored"),
    [
        ("preferred_language", "en", "en"),
        ("preferred_language", "sw_ke", "sw-KE"),
        ("preferred_language", "ZH-hant-tw", "zh-Hant-TW"),
        ("preferred_language", "es-419", "es-419"),
        ("time_zone", "Africa/Nairobi", "Africa/Nairobi"),
        ("time_zone", "UTC", "UTC"),
    ],
)
async def test_language_and_time_zone_are_stored_in_their_recommended_spelling(
    client: httpx2.AsyncClient, field: str, given: str, stored: str
) -> None:
    created = (await client.post("/customers", json={"phone": PHONE, field: given})).json()
    assert created[field] == stored
    removed = (await client.patch(f"/customers/{created['id']}", json={field: None})).json()
    assert removed[field] is None


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("preferred_language", "english please"),
        ("preferred_language", "e"),
        ("preferred_language", ""),
        ("preferred_language", "en-"),
        ("preferred_language", "en-" + "x" * 40),
        ("time_zone", "Nairobi"),
        ("time_zone", "+03:00"),
        ("time_zone", "../etc/passwd"),
        ("time_zone", "Factory"),
        ("time_zone", 3),
    ],
)
async def test_an_unknown_language_or_time_zone_is_refused(
    client: httpx2.AsyncClient, field: str, given: object
) -> None:
    answer = await client.post("/customers", json={"phone": PHONE, field: given})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == field
