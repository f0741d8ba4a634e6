"""Texts of any form that are stored: shown, refused where this version must understand them, and replaceable."""

from typing import Any

import httpx2
import pytest
import pytest_asyncio

from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers, add_messages, rows
from support.stored_texts import BROKEN, DOES_NOT_PARSE, UNKNOWN_FORMS, StoredTexts, add_stored

ALL_TEXTS: Any = {"base_template": "Hi {first_name}", "templates": None, "variants": None, "content": None}


@pytest.fixture(params=BROKEN)
def name(request: pytest.FixtureRequest) -> str:
    """The name of the texts that are stored."""
    return str(request.param)


@pytest_asyncio.fixture
async def campaign_id(connection: Connection, name: str) -> int:
    """The id of a draft with these texts."""
    return await add_stored(connection, BROKEN[name], status="draft")


async def test_every_read_answers_with_a_warning(
    client: httpx2.AsyncClient, connection: Connection, campaign_id: int
) -> None:
    other_id = await add_campaign(connection, status="draft")
    await add_messages(connection, campaign_id, await add_customers(connection, 3))
    await connection.execute("UPDATE outbound_messages SET variant = customer_id, rendered_content = 'Hi'")
    for url in ("/campaigns", "/campaigns?cursor="):
        answer = await client.get(url)
        assert answer.status_code == 200, answer.text
        assert [campaign["id"] for campaign in answer.json()["campaigns"]] == [other_id, campaign_id]
        assert [bool(campaign["warnings"]) for campaign in answer.json()["campaigns"]] == [False, True]
    shown = await client.get(f"/campaigns/{campaign_id}")
    assert shown.status_code == 200, shown.text
    for path in ("/messages", "/messages/export", "/messages/export?format=ndjson"):
        answer = await client.get(f"/campaigns/{campaign_id}{path}")
        assert answer.status_code == 200, answer.text
        assert len(answer.text.splitlines()) >= (1 if path == "/messages" else 3)


async def test_a_change_that_leaves_the_texts_and_a_send_are_refused(
    client: httpx2.AsyncClient, connection: Connection, name: str, campaign_id: int
) -> None:
    customers = await add_customers(connection, 1)
    other_id = await add_campaign(connection, status="draft")
    before = await rows(connection, "SELECT campaigns::text FROM campaigns ORDER BY id")
    url = f"/campaigns/{campaign_id}"
    for answer in (
        await client.patch(url, json={"name": "New"}),
        await client.patch(url, json={"scheduled_at": "2035-01-01T00:00:00Z"}),
        await client.post(f"{url}/send", json={"customer_ids": customers}),
        await client.post(f"{url}/send", json={"audience": {"all": True}}),
    ):
        code = "INVALID_TEMPLATE" if name in DOES_NOT_PARSE else "INVALID_REQUEST"
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code), answer.text
    assert await rows(connection, "SELECT campaigns::text FROM campaigns ORDER BY id") == before
    sent = await client.post(f"/campaigns/{other_id}/send", json={"customer_ids": customers})
    assert sent.status_code == 200, sent.text


async def test_a_preview_is_refused_unless_the_customers_own_text_parses(
    client: httpx2.AsyncClient, connection: Connection, name: str, campaign_id: int
) -> None:
    [customer_id] = await add_customers(connection, 1)
    for override in ({}, {"override_template": "Hello {first_name}"}):
        body = {"customer_id": customer_id, **override}
        answer = await client.post(f"/campaigns/{campaign_id}/personalized-preview", json=body)
        assert answer.status_code in {200, 400}, answer.text
        if not override and name not in {"language", "variant-language", "content"}:
            assert answer.status_code == 400
            assert answer.json()["error"]["code"] in {"INVALID_TEMPLATE", "INVALID_REQUEST"}


async def test_a_dry_run_is_refused_or_counts_the_messages_that_would_fail(
    client: httpx2.AsyncClient, connection: Connection, name: str, campaign_id: int
) -> None:
    body = {"customer_ids": await add_customers(connection, 3)}
    answer = await client.post(f"/campaigns/{campaign_id}/dry-run", json=body)
    if name in UNKNOWN_FORMS:
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")
    else:
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "done"


async def test_a_change_of_all_texts_is_accepted(
    client: httpx2.AsyncClient, connection: Connection, campaign_id: int
) -> None:
    changed = await client.patch(f"/campaigns/{campaign_id}", json=ALL_TEXTS)
    assert changed.status_code == 200, changed.text
    assert changed.json()["warnings"] == []
    [stored] = await rows(connection, "SELECT personalization FROM campaigns")
    assert stored["personalization"] is None


async def test_a_broken_campaign_can_be_deleted(client: httpx2.AsyncClient, campaign_id: int) -> None:
    assert (await client.delete(f"/campaigns/{campaign_id}")).status_code == 204


@pytest.mark.parametrize("part", ["templates", "variants", "content"])
async def test_a_change_of_the_part_that_is_broken_is_accepted(
    client: httpx2.AsyncClient, connection: Connection, part: str
) -> None:
    for name, stored in UNKNOWN_FORMS.items():
        if name.startswith(part):
            campaign_id = await add_stored(connection, stored, status="draft")
            answer = await client.patch(f"/campaigns/{campaign_id}", json={part: None})
            assert answer.status_code == 200, (name, answer.text)


async def test_texts_with_many_braces_are_known(client: httpx2.AsyncClient, connection: Connection) -> None:
    many = "{first_name} {{if location}}{location}{{end}} " * 20
    body = {
        "name": "Many",
        "channel": "sms",
        "base_template": many,
        "templates": dict.fromkeys(("en", "sw", "de", "fr", "ar"), many),
        "variants": [{"name": name, "base_template": many, "templates": {"en": many}} for name in ("a", "b")],
    }
    created = await client.post("/campaigns", json=body)
    assert created.status_code == 201, created.text
    shown = (await client.get(f"/campaigns/{created.json()['id']}")).json()
    assert shown["templates"] == body["templates"]
    assert [variant["templates"] for variant in shown["variants"]] == [{"en": many}] * 2
    assert shown["warnings"] == []
    sent = await client.post(
        f"/campaigns/{shown['id']}/send", json={"customer_ids": await add_customers(connection, 1)}
    )
    assert sent.status_code == 200, sent.text


@pytest.mark.parametrize("column", ["holdout_share", "variant_bounds"])
@pytest.mark.parametrize("value", ["'NaN'", "'Infinity'", "-1", "2"])
async def test_an_odd_division_of_the_recipients_breaks_no_list(
    client: httpx2.AsyncClient, connection: Connection, column: str, value: str
) -> None:
    await add_stored(connection, StoredTexts("NULL"), status="draft")
    value = f"ARRAY[{value}::float8, NULL]" if column == "variant_bounds" else value
    await connection.execute(f"UPDATE campaigns SET {column} = {value}".encode())
    for url in ("/campaigns", "/campaigns/1"):
        assert (await client.get(url)).status_code == 200
