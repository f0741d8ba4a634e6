"""Templates are validated before a campaign exists: all errors with their places, and warnings that prevent nothing."""

from typing import Any

import httpx2

from leopard.db.pool import Connection
from support.factories import rows

MARK = "'\u2019' (U+2019 RIGHT SINGLE QUOTATION MARK)"


async def validate(client: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post("/templates/validate", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def add_customer(client: httpx2.AsyncClient, phone: str, **fields: Any) -> None:
    (await client.post("/customers", json={"phone": phone, **fields})).raise_for_status()


async def test_a_template_without_problems_has_no_warnings(client: httpx2.AsyncClient) -> None:
    assert await validate(client, base_template="Hi {first_name}") == {
        "valid": True,
        "warnings": [],
        "sms": {"base_template": {"encoding": "gsm7", "units": 3, "segments": 1}},
    }


async def test_the_places_of_all_errors_are_answered_together(client: httpx2.AsyncClient) -> None:
    answer = await client.post(
        "/templates/validate",
        json={"base_template": "Hi {first_name|upcase}", "templates": {"sw": "Habari\n{{if location}}"}},
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "INVALID_TEMPLATE")
    assert [(detail["field"], detail["line"], detail["column"]) for detail in error["details"]] == [
        ("base_template", 1, 16),
        ("templates.sw", 2, 1),
    ]
    assert error["details"][0]["nearest"] == "uppercase"
    assert error["details"][0]["picture"] == "Hi {first_name|upcase}\n               ^"


async def test_an_unknown_placeholder_is_a_warning_with_its_place_and_the_nearest_name(
    client: httpx2.AsyncClient,
) -> None:
    await add_customer(client, "+254700000001", attributes={"loyalty_points": 5})
    found = await validate(client, base_template="Hi {frist_name},\nyou have {loyalty_point}")
    assert [(one["message"], one["line"], one["column"], one["nearest"]) for one in found["warnings"]] == [
        ("Unknown placeholder {frist_name}", 1, 4, "first_name"),
        ("Unknown placeholder {loyalty_point}", 2, 10, "loyalty_points"),
    ]


async def test_a_field_that_is_empty_for_a_part_of_the_audience_is_a_warning_with_the_count(
    client: httpx2.AsyncClient,
) -> None:
    for number in range(10):
        fields = {"first_name": "Ann"} if number < 7 else {}
        attributes = {"points": 5} if number < 4 else {}
        await add_customer(client, f"+25470000000{number}", **fields, attributes=attributes)
    found = await validate(
        client,
        base_template=(
            '{first_name} {points} {last_name|default:"friend"}{{if location}} in {location}{{end}}'
            "{{if preferred_product}}!{{end}}"
        ),
        audience={"all": True},
    )
    assert [(one["message"], one["customers"]) for one in found["warnings"]] == [
        ("first_name is empty for 3 of 10 customers of the audience", 3),
        ("points is empty for 6 of 10 customers of the audience", 6),
    ]


async def test_characters_that_force_ucs2_are_named_with_their_places(client: httpx2.AsyncClient) -> None:
    found = await validate(client, base_template="Hi {first_name}\u2019s \u2019 café ç")
    assert [(one["message"], one["line"], one["column"]) for one in found["warnings"]] == [
        (f"{MARK} forces UCS-2: a segment holds 70 characters, not 160; it stands here 2 times", 1, 16),
        ("'ç' (U+00E7 LATIN SMALL LETTER C WITH CEDILLA) forces UCS-2: a segment holds 70 characters, not 160", 1, 26),
    ]
    assert found["sms"]["base_template"]["encoding"] == "ucs2"


async def test_a_text_of_several_segments_is_a_warning(client: httpx2.AsyncClient) -> None:
    found = await validate(client, base_template="a" * 161)
    assert [one["message"] for one in found["warnings"]] == ["The text takes 2 SMS segments (161 units in gsm7)"]
    assert (await validate(client, base_template="a" * 161, channel="whatsapp"))["warnings"] == []


async def test_every_variant_and_language_is_checked(client: httpx2.AsyncClient) -> None:
    variants = [
        {"name": "a", "base_template": "A {nik}"},
        {"name": "b", "base_template": "B", "templates": {"sw": "B " + "x" * 200}},
    ]
    found = await validate(client, variants=variants)
    assert [(one["field"], one["message"]) for one in found["warnings"]] == [
        ("variants.0.base_template", "Unknown placeholder {nik}"),
        ("variants.1.templates.sw", "The text takes 2 SMS segments (202 units in gsm7)"),
    ]
    assert set(found["sms"]) == {
        "variants.0.base_template",
        "variants.1.base_template",
        "variants.1.templates.sw",
    }


async def test_a_template_that_can_never_show_anything_is_refused(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    for body in (
        {"base_template": "\u200b\u3164"},
        {"base_template": "{{if location}} {{else}}\u2060{{end}}"},
        {"base_template": "Hi", "templates": {"sw": "\u200b"}},
        {"variants": [{"name": "a", "base_template": "\u200b"}]},
    ):
        for path in ("/templates/validate", "/campaigns"):
            answer = await client.post(path, json={"name": "n", "channel": "sms", **body})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_TEMPLATE"), body
    assert await rows(connection, "SELECT id FROM campaigns") == []


async def test_an_audience_that_cannot_be_selected_is_answered_as_elsewhere(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/templates/validate", json={"base_template": "Hi", "audience": {"segment": 99}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SEGMENT_NOT_FOUND")


async def test_content_is_refused_on_a_channel_that_has_none_as_at_creation(client: httpx2.AsyncClient) -> None:
    body = {"name": "n", "channel": "sms", "content": {"body": "Hi", "footer": "Reply STOP"}}
    for path in ("/templates/validate", "/campaigns"):
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()["error"]["details"][0]["field"]) == (400, "content"), path
    assert (await validate(client, **{**body, "channel": "whatsapp"}))["warnings"] == []
