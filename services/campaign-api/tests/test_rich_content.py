"""Campaigns with rich content: accepted within the limits, previewed as sent, and shown in any form."""

import json
from typing import Any, Final

import httpx2
import pytest

from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers, add_messages, rows

CONTENT: Final = {
    "header": {"type": "image", "url": "{attributes.image}"},
    "footer": "Reply STOP to unsubscribe",
    "buttons": [
        {"type": "reply", "text": "Yes, {first_name|truncate:9}"},
        {"type": "url", "text": "Open", "url": "https://example.com/{location|urlencode}"},
    ],
}
NEW: Final = {"name": "Rich", "channel": "whatsapp", "base_template": "Hi {first_name}", "content": CONTENT}


async def create(client: httpx2.AsyncClient, **fields: Any) -> httpx2.Response:
    given = {name: value for name, value in {**NEW, **fields}.items() if value is not None}
    return await client.post("/campaigns", json=given)


async def change(client: httpx2.AsyncClient, campaign_id: int, **fields: Any) -> httpx2.Response:
    return await client.patch(f"/campaigns/{campaign_id}", json=fields)


async def preview(client: httpx2.AsyncClient, campaign_id: int, customer_id: int, **fields: Any) -> dict[str, Any]:
    url = f"/campaigns/{campaign_id}/personalized-preview"
    answer: dict[str, Any] = (await client.post(url, json={"customer_id": customer_id, **fields})).json()
    return answer


def refusal(answer: httpx2.Response) -> tuple[int, str, list[tuple[str, str]]]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], [(one["field"], one["message"]) for one in error["details"]]


async def test_a_campaign_keeps_its_content(client: httpx2.AsyncClient) -> None:
    created = await create(client)
    assert created.status_code == 201
    assert created.json()["content"] == CONTENT
    read = (await client.get(f"/campaigns/{created.json()['id']}")).json()
    assert (read["content"], read["warnings"]) == (CONTENT, [])
    assert "content" not in (await create(client, content=None)).json()


async def test_the_text_may_stand_in_the_content(client: httpx2.AsyncClient) -> None:
    created = (await create(client, base_template=None, content={**CONTENT, "body": "Hi {first_name}"})).json()
    assert (created["base_template"], created["content"]) == ("Hi {first_name}", CONTENT)
    changed = (await change(client, created["id"], content={"footer": "Bye", "body": "Hello"})).json()
    assert (changed["base_template"], changed["content"]) == ("Hello", {"footer": "Bye"})
    two = (400, "INVALID_REQUEST", [("body", "give the text either as base_template or as content.body")])
    assert refusal(await create(client, content={"body": "Hi"})) == two
    assert refusal(await change(client, created["id"], base_template="Hi", content={"body": "Hi"})) == two


@pytest.mark.parametrize(
    ("fields", "code", "field", "message"),
    [
        ({"channel": "sms"}, "INVALID_REQUEST", "content", "needs the channel whatsapp"),
        (
            {"content": {"footer": "x" * 61}},
            "INVALID_REQUEST",
            "content.footer",
            "has 61 characters, and the limit is 60",
        ),
        (
            {"content": {"buttons": [CONTENT["buttons"][1]] * 3}},  # type: ignore[index]
            "INVALID_REQUEST",
            "content.buttons",
            "has 3 buttons of type url, and the limit is 2",
        ),
        (
            {"templates": {"sw": "x" * 1025}},
            "INVALID_REQUEST",
            "templates.sw",
            "has 1025 characters, and the limit is 1024, even where every placeholder is empty",
        ),
        (
            {"content": {"header": {"type": "image"}}},
            "INVALID_REQUEST",
            "content.header",
            "must have url, because its type is image",
        ),
        (
            {"content": {"header": {"type": "text", "text": "{first_name|upcase}"}}},
            "INVALID_TEMPLATE",
            "content.header.text",
            "unknown filter 'upcase'",
        ),
    ],
)
async def test_content_that_nobody_could_get_is_refused_with_its_part(
    client: httpx2.AsyncClient, fields: dict[str, Any], code: str, field: str, message: str
) -> None:
    assert refusal(await create(client, **fields)) == (400, code, [(field, message)])
    created = (await create(client, content={"footer": "Bye"})).json()
    assert refusal(await change(client, created["id"], **fields)) == (400, code, [(field, message)])
    assert (await client.get(f"/campaigns/{created['id']}")).json()["content"] == {"footer": "Bye"}


async def test_a_campaign_without_its_content_may_go_by_sms(client: httpx2.AsyncClient) -> None:
    created = (await create(client)).json()
    changed = await change(client, created["id"], content=None, channel="sms")
    assert changed.status_code == 200
    assert "content" not in changed.json()


async def test_a_change_of_something_else_leaves_the_content(client: httpx2.AsyncClient) -> None:
    created = (await create(client)).json()
    for fields in ({"name": "Other"}, {"base_template": "Hello {first_name}"}, {"templates": {"sw": "Habari"}}):
        assert (await change(client, created["id"], **fields)).json()["content"] == CONTENT


async def test_a_preview_shows_the_content_as_it_is_sent(client: httpx2.AsyncClient, connection: Connection) -> None:
    [customer] = await add_customers(connection, 1)
    await connection.execute("""UPDATE customers SET attributes = '{"image": "https://example.com/a.png"}'""")
    campaign_id = (await create(client)).json()["id"]
    shown = await preview(client, campaign_id, customer)
    assert shown["content"] == {
        "header": {"type": "image", "url": "https://example.com/a.png"},
        "body": "Hi Customer 0",
        "footer": "Reply STOP to unsubscribe",
        "buttons": [
            {"type": "reply", "text": "Yes, Custom..."},
            {"type": "url", "text": "Open", "url": "https://example.com/Nairobi"},
        ],
    }
    assert "warnings" not in shown
    assert "sms" not in shown
    other = await preview(client, campaign_id, customer, override_template="Ciao {first_name}")
    assert other["content"] == {**shown["content"], "body": "Ciao Customer 0"}


async def test_a_preview_warns_of_content_that_cannot_be_sent(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    [customer] = await add_customers(connection, 1)
    campaign_id = (await create(client)).json()["id"]
    shown = await preview(client, campaign_id, customer)
    assert "content" not in shown
    assert shown["rendered_message"] == "Hi Customer 0"
    assert shown["warnings"] == ["The message cannot be sent to this customer: content.header.url is empty"]


async def test_a_campaign_warns_of_unknown_placeholders_in_its_content(client: httpx2.AsyncClient) -> None:
    created = (await create(client, content={"header": {"type": "text", "text": "{nickname}"}})).json()
    assert created["warnings"] == ["Unknown placeholder {nickname}"]


async def test_content_of_an_unknown_form_is_shown_and_not_sent(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    campaign_id = (await create(client)).json()["id"]
    await add_customers(connection, 1)
    stored = {"carousel": [1, 2]}
    await connection.execute(
        "UPDATE campaigns SET personalization = jsonb_set(personalization, '{content}', %s::jsonb)",
        [json.dumps(stored)],
    )
    [listed] = (await client.get("/campaigns")).json()["campaigns"]
    assert listed["content"] == stored
    problem = f"Campaign {campaign_id} has texts of a form that this version does not know"
    assert listed["warnings"] == [problem]
    sent = await client.post(f"/campaigns/{campaign_id}/send", json={"audience": {"all": True}})
    assert (sent.status_code, sent.json()["error"]["message"]) == (400, problem)


async def test_messages_show_the_content_that_was_sent(client: httpx2.AsyncClient, connection: Connection) -> None:
    campaign_id = await add_campaign(connection)
    await add_messages(connection, campaign_id, await add_customers(connection, 2))
    sent = {"body": "Hi", "footer": "Bye"}
    await connection.execute(
        "UPDATE outbound_messages SET content = %s::jsonb WHERE id = (SELECT min(id) FROM outbound_messages)",
        [json.dumps(sent)],
    )
    rich, plain = (await client.get(f"/campaigns/{campaign_id}/messages")).json()["messages"]
    assert rich["content"] == sent
    assert "content" not in plain


async def test_a_campaign_with_content_waits_for_workers_that_know_it(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    await create(client, content={"footer": "Bye"})
    await create(client, content=None)
    found = await rows(connection, "SELECT format FROM campaigns ORDER BY id")
    assert [row["format"] for row in found] == [3, 1]
