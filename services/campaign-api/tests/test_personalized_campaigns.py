"""Campaigns with filters, languages, variants and a hold-out: stored, shown, changed, counted."""

from typing import Any

import httpx2
import pytest

from leopard.db.pool import Connection
from support.factories import add_customers, rows

NEW = {"name": "Summer", "channel": "sms", "base_template": "Hi {first_name}"}
VARIANTS = [
    {"name": "a", "weight": 1, "base_template": "A {first_name}"},
    {"name": "b", "weight": 3, "base_template": "B", "templates": {"sw-KE": "B sw"}},
]


async def create(client: httpx2.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post("/campaigns", json={**NEW, **fields})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def stored(connection: Connection) -> dict[str, Any]:
    [row] = await rows(connection, "SELECT format, version, personalization, variant_bounds FROM campaigns")
    return row


async def test_a_plain_template_keeps_the_format_that_older_workers_send(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    await create(client, base_template="Hi {first_name}, {nickname} {{first_name}}")
    assert await stored(connection) == {
        "format": 1, "version": 1, "personalization": None, "variant_bounds": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"base_template": "{first_name|uppercase}"},
        {"base_template": "{{if location}}Hi{{end}}"},
        {"base_template": '{"quoted"}'},
        {"base_template": "{created_at}"},
        {"templates": {"sw": "Habari"}},
        {"variants": VARIANTS},
        {"holdout_percent": 5},
    ],
)
async def test_every_new_construct_needs_a_worker_that_knows_it(
    client: httpx2.AsyncClient, connection: Connection, fields: dict[str, Any]
) -> None:
    await create(client, **fields)
    assert (await stored(connection))["format"] == 3


async def test_what_was_given_is_shown_and_what_was_not_is_absent(client: httpx2.AsyncClient) -> None:
    given = {"templates": {"sw": "Habari {first_name}"}, "variants": VARIANTS, "holdout_percent": 12.5}
    created = await create(client, **given)
    assert created["templates"] == given["templates"]
    assert created["holdout_percent"] == 12.5
    assert [variant["name"] for variant in created["variants"]] == ["a", "b"]
    assert created["variants"][1]["templates"] == {"sw-KE": "B sw"}
    plain = await create(client)
    assert not {"templates", "variants", "holdout_percent", "content"} & plain.keys()
    listed = (await client.get("/campaigns")).json()["campaigns"]
    assert listed[1]["variants"] == created["variants"]


@pytest.mark.parametrize("percent", [7, 14, 28, 29, 0.07, 12.345, 90])
async def test_a_hold_out_is_answered_as_it_was_given(client: httpx2.AsyncClient, percent: float) -> None:
    assert (await create(client, holdout_percent=percent))["holdout_percent"] == percent
    assert (await client.patch("/campaigns/1", json={"name": "Other"})).json()["holdout_percent"] == percent


async def test_language_tags_are_spelled_as_recommended(client: httpx2.AsyncClient) -> None:
    assert list((await create(client, templates={"SW_ke": "Habari"}))["templates"]) == ["sw-KE"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"templates": {"not a language": "x"}}, "templates"),
        ({"templates": {"sw-KE": "x", "sw_ke": "y"}}, "templates"),
        ({"templates": {"sw": ""}}, "templates.sw"),
        ({"variants": [VARIANTS[0], VARIANTS[0]]}, "variants"),
        ({"variants": [{**VARIANTS[0], "weight": 0}]}, "variants.0.weight"),
        ({"variants": [{"name": "a"}]}, "variants.0.base_template"),
        ({"holdout_percent": 91}, "holdout_percent"),
        ({"holdout_percent": -1}, "holdout_percent"),
        ({"holdout_percent": True}, "holdout_percent"),
        ({"holdout_percent": "10"}, "holdout_percent"),
    ],
)
async def test_wrong_fields_are_refused_by_name(client: httpx2.AsyncClient, fields: dict[str, Any], field: str) -> None:
    answer = await client.post("/campaigns", json={**NEW, **fields})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"][0]["field"]) == (400, "INVALID_REQUEST", field)


async def test_variants_need_no_base_template(client: httpx2.AsyncClient) -> None:
    body = {"name": "n", "channel": "sms", "variants": VARIANTS}
    created = (await client.post("/campaigns", json=body)).json()
    assert created["base_template"] == "A {first_name}"
    longer = {"variants": [{"name": "a", "base_template": "x" * 161}, VARIANTS[1]]}
    changed = (await client.patch(f"/campaigns/{created['id']}", json=longer)).json()
    assert (changed["base_template"], changed["sms"]["segments"]) == ("A {first_name}", 2)
    missing = await client.post("/campaigns", json={"name": "n", "channel": "sms"})
    assert missing.status_code == 400
    assert "base_template" in missing.json()["error"]["message"]


async def test_a_change_of_one_text_leaves_the_others_and_counts_a_version(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    await create(client, templates={"sw": "Habari"}, variants=VARIANTS, holdout_percent=10)
    changed = (await client.patch("/campaigns/1", json={"templates": {"fr": "Salut"}})).json()
    assert changed["templates"] == {"fr": "Salut"}
    assert [variant["name"] for variant in changed["variants"]] == ["a", "b"]
    assert changed["holdout_percent"] == 10
    row = await stored(connection)
    assert (row["version"], row["variant_bounds"]) == (2, [0, 0.25])
    renamed = (await client.patch("/campaigns/1", json={"name": "Other"})).json()
    assert (renamed["templates"], (await stored(connection))["version"]) == ({"fr": "Salut"}, 2)


async def test_all_texts_together_are_bounded_at_creation_and_at_a_change(client: httpx2.AsyncClient) -> None:
    half = {**dict.fromkeys(("sw", "fr", "de", "ar"), "x" * 10_000), "pt": "x" * 9_900}
    one, other = ({"name": name, "base_template": "x", "templates": half} for name in "ab")
    for path in ("/campaigns", "/templates/validate"):
        answer = await client.post(path, json={**NEW, "variants": [one, other], "templates": {"sw": "x" * 1000}})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")
    await create(client, templates=half)
    assert (await client.patch("/campaigns/1", json={"variants": [one]})).status_code == 200
    more = await client.patch("/campaigns/1", json={"variants": [one, other]})
    assert (more.status_code, "the limit is 100000" in more.json()["error"]["message"]) == (400, True)


async def test_null_removes_what_it_names(client: httpx2.AsyncClient, connection: Connection) -> None:
    await create(client, templates={"sw": "Habari"}, variants=VARIANTS, holdout_percent=10)
    nulls = {"templates": None, "variants": None, "holdout_percent": None}
    changed = (await client.patch("/campaigns/1", json=nulls)).json()
    assert not nulls.keys() & changed.keys()
    row = await stored(connection)
    assert (row["personalization"], row["variant_bounds"]) == (None, None)


async def test_an_attribute_that_becomes_known_later_does_not_change_a_campaign(
    client: httpx2.AsyncClient,
) -> None:
    await create(client, base_template="{first_name|uppercase} {points}")
    customer = (await client.post("/customers", json={"phone": "+254700000001", "attributes": {"points": 5}})).json()
    preview = {"customer_id": customer["id"]}
    first = (await client.post("/campaigns/1/personalized-preview", json=preview)).json()
    assert first["rendered_message"] == " {points}"
    assert first["warnings"] == ["Unknown placeholder {points}"]
    await create(client, base_template="{first_name|uppercase} {points}")
    second = (await client.post("/campaigns/2/personalized-preview", json=preview)).json()
    assert second["rendered_message"] == " 5"


async def test_a_worker_reads_no_attributes_for_a_column_that_an_attribute_is_named_like(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    await client.post("/customers", json={"phone": "+254700000001", "attributes": {"location": "Westlands", "tier": 1}})
    await create(client, base_template="{location|uppercase}")
    assert (await stored(connection))["personalization"] == {}
    await client.patch("/campaigns/1", json={"base_template": "{location|uppercase} {tier}"})
    assert (await stored(connection))["personalization"] == {"attributes": ["tier"]}


async def test_a_preview_shows_another_language(client: httpx2.AsyncClient, connection: Connection) -> None:
    [customer] = await add_customers(connection, 1)
    await create(client, templates={"sw": "Habari {first_name}"})
    url = "/campaigns/1/personalized-preview"
    swahili = (await client.post(url, json={"customer_id": customer, "language": "sw-TZ"})).json()
    assert (swahili["rendered_message"], swahili["language"]) == ("Habari Customer 0", "sw")
    assert "language" not in (await client.post(url, json={"customer_id": customer})).json()
    wrong = await client.post(url, json={"customer_id": customer, "language": "?"})
    assert wrong.status_code == 400


async def test_all_customers_in_the_hold_out_are_no_send(client: httpx2.AsyncClient, connection: Connection) -> None:
    customers = await add_customers(connection, 20)
    await create(client, holdout_percent=90)
    held_out = [
        customer
        for customer in customers
        if (await client.post("/campaigns/1/personalized-preview", json={"customer_id": customer}))
        .json()
        .get("held_out")
    ]
    answer = await client.post("/campaigns/1/send", json={"customer_ids": held_out})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "NO_VALID_CUSTOMERS")
    sent = (await client.post("/campaigns/1/send", json={"customer_ids": [*customers, 10**9]})).json()
    assert (sent["messages_queued"], sent["customers_not_found"]) == (20 - len(held_out), [10**9])
    assert (await client.get("/campaigns/1")).json()["stats"]["held_out"] == len(held_out)
