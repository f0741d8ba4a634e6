"""Exports hold every customer and message, and an import of an export changes nothing."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import httpx2
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from leopard.db.pool import Connection
from leopard.domain.customer_fields import is_date
from running_api import Service
from support.factories import add_campaign, add_customers, add_messages, until

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXT = st.text(alphabet=st.one_of(st.sampled_from("'=+-@\t\r\n ,;\"\\1"), CHARACTERS), max_size=20)
NUMBER = st.one_of(st.integers(-(10**20), 10**20), st.floats(-1e299, 1e299, allow_nan=False))
CUSTOMERS = st.lists(
    st.fixed_dictionaries(
        {
            "first_name": st.none() | TEXT,
            "location": st.none() | TEXT,
            "preferred_language": st.sampled_from([None, "en", "sw-KE"]),
            "time_zone": st.sampled_from([None, "Africa/Nairobi"]),
        },
        optional={
            "note": TEXT.filter(lambda text: not is_date(text)),
            "points": NUMBER,
            "vip": st.booleans(),
            "joined": st.dates().map(str),
            "tags": st.lists(TEXT, max_size=3),
            "location_": TEXT.filter(lambda text: not is_date(text)),
        },
    ),
    min_size=1,
    max_size=8,
)
COLUMNS = ("first_name", "location", "preferred_language", "time_zone")
TYPES = {"note": "text", "points": "number", "vip": "boolean", "joined": "date", "tags": "texts", "location": "text"}


@pytest.fixture
def server(service: Service) -> Any:
    with httpx2.Client(base_url=service.url, timeout=60) as client:
        yield client


def table(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT phone, first_name, last_name, location, preferred_product, preferred_language, time_zone,"
        " attributes::text FROM customers ORDER BY phone"
    ).fetchall()


def store(connection: psycopg.Connection[Any], customers: list[dict[str, Any]]) -> None:
    connection.execute("TRUNCATE customers, customer_fields, customer_field_counts CASCADE")
    connection.execute(
        "INSERT INTO customer_fields (name, type) SELECT * FROM unnest(%s::text[], %s::text[])",
        [list(TYPES), list(TYPES.values())],
    )
    for number, customer in enumerate(customers):
        attributes = {name.rstrip("_"): value for name, value in customer.items() if name not in COLUMNS}
        connection.execute(
            "INSERT INTO customers (phone, first_name, location, preferred_language, time_zone, attributes)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [f"+2547{number:08d}", *(customer[name] for name in COLUMNS), Jsonb(attributes)],
        )


@pytest.mark.parametrize("file_format", ["csv", "ndjson"])
def test_an_import_of_an_export_is_the_identity(server: httpx2.Client, database_url: str, file_format: str) -> None:
    query = {"format": file_format}
    with psycopg.connect(database_url, autocommit=True) as connection:

        @settings(max_examples=60, deadline=None)
        @given(CUSTOMERS)
        def check(customers: list[dict[str, Any]]) -> None:
            store(connection, customers)
            before = table(connection)
            exported = server.get("/customers/export", params=query).raise_for_status()
            headers = {"content-type": exported.headers["content-type"]}
            for counted in ("unchanged", "created"):
                answer = server.post("/customers/import", content=exported.content, params=query, headers=headers)
                assert answer.status_code == 201, answer.text
                assert answer.json()["rejects"] == []
                assert answer.json()[counted] == len(customers)
                assert table(connection) == before
                connection.execute("TRUNCATE customers CASCADE")

        check()


async def test_an_export_holds_what_the_filter_selects(client: httpx2.AsyncClient, connection: Connection) -> None:
    await add_customers(connection, 3)
    await add_customers(connection, 2, first_number=10, location="Mombasa")
    wanted = {"filter": json.dumps({"field": "location", "equal": "Mombasa"})}
    exported = await client.get("/customers/export", params=wanted)
    assert exported.headers["content-disposition"] == 'attachment; filename="customers.csv"'
    found = list(csv.DictReader(io.StringIO(exported.text)))
    assert [row["phone"] for row in found] == ["+254700000010", "+254700000011"]
    listed = (await client.get("/customers", params=wanted)).json()["customers"]
    assert [one["phone"] for one in listed] == [row["phone"] for row in found]
    one = await client.get("/customers", params={"phone": "+254 700 000 001"})
    assert [customer["phone"] for customer in one.json()["customers"]] == ["+254700000001"]
    assert len((await client.get("/customers/export", params={"phone": "+254700000001"})).text.splitlines()) == 2


@pytest.mark.parametrize("path", ["/customers", "/customers/export"])
@pytest.mark.parametrize("filter_", ["{", "[]", '{"field": "nobody", "equal": 1}', '{"all": []}', '"x"', "[" * 5000])
async def test_a_wrong_filter_is_refused(client: httpx2.AsyncClient, path: str, filter_: str) -> None:
    answer = await client.get(path, params={"filter": filter_})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"].startswith("filter")


async def test_formulas_are_neutralised(client: httpx2.AsyncClient) -> None:
    await client.post(
        "/customers",
        json={"phone": "+254700000001", "first_name": "=HYPERLINK(1)", "attributes": {"note": "@SUM(1)", "points": -5}},
    )
    exported = (await client.get("/customers/export")).text
    [row] = csv.DictReader(io.StringIO(exported))
    assert (row["first_name"], row["note"], row["points"]) == ("'=HYPERLINK(1)", "'@SUM(1)", "-5")
    assert row["phone"] == "+254700000001"


async def test_messages_are_exported_with_their_results(client: httpx2.AsyncClient, connection: Connection) -> None:
    campaign_id = await add_campaign(connection)
    await add_messages(connection, campaign_id, await add_customers(connection, 5000))
    await connection.execute(
        "UPDATE outbound_messages SET status = 'sent', rendered_content = '-1 for you' WHERE id <= 2"
    )
    exported = await client.get(f"/campaigns/{campaign_id}/messages/export")
    found = list(csv.DictReader(io.StringIO(exported.text)))
    assert len(found) == 5000
    assert found[0]["phone"] == "+254700000000"
    assert found[0]["rendered_content"] == "'-1 for you"
    lines = await client.get(f"/campaigns/{campaign_id}/messages/export", params={"format": "ndjson", "status": "sent"})
    sent = [json.loads(line) for line in lines.text.splitlines()]
    assert [(one["status"], one["rendered_content"]) for one in sent] == [("sent", "-1 for you")] * 2
    assert (await client.get("/campaigns/999/messages/export")).status_code == 404


async def test_messages_are_exported_with_their_rich_content(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    campaign_id = await add_campaign(connection, channel="whatsapp")
    await add_messages(connection, campaign_id, await add_customers(connection, 2))
    content = {"body": 'Hi "{x}"\n\u2028=1+1, 😀', "buttons": [{"type": "reply", "text": "'-1"}], "footer": "مرحبا\\n"}
    await connection.execute("UPDATE outbound_messages SET content = %s WHERE id = 1", [Jsonb(content)])
    url = f"/campaigns/{campaign_id}/messages/export"
    with_content, without = csv.DictReader(io.StringIO((await client.get(url)).text))
    assert (list(with_content)[-1], json.loads(with_content["content"])) == ("content", content)
    assert without["content"] == ""
    lines = (await client.get(url, params={"format": "ndjson"})).text.split("\n")
    assert [json.loads(line)["content"] for line in lines[:-1]] == [content, None]


async def _exports(client: httpx2.AsyncClient) -> bool:
    return (await client.get("/customers/export", params={"phone": "+254700000001"})).is_success


async def test_an_export_shows_one_moment(serve: Callable[..., Service], connection: Connection) -> None:
    service = serve(max_exports=1)
    await add_customers(connection, 20_000)
    # the server sends more than its buffers hold only as the client reads
    await connection.execute("UPDATE customers SET last_name = repeat('x', 900)")
    async with httpx2.AsyncClient(base_url=service.url, timeout=60) as client:
        async with client.stream("GET", "/customers/export", params={"format": "ndjson"}) as answer:
            parts = answer.aiter_text()
            text = await anext(parts)
            await connection.execute("UPDATE customers SET last_name = 'new'")
            await add_customers(connection, 10, first_number=50_000)
            assert (await client.get("/customers/export")).status_code == 503
            text += "".join([part async for part in parts])
        assert len(text.splitlines()) == 20_000
        assert '"new"' not in text
        async with client.stream("GET", "/customers/export") as answer:
            await anext(answer.aiter_text())
        # a client that leaves frees its place and its connection
        await until(lambda: _exports(client))
