"""A preview shows the text that would be sent. The list of messages shows the texts that were sent."""

import httpx2
import pytest

from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers, add_messages


async def test_a_preview_renders_the_template_of_the_campaign(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    [customer] = await add_customers(connection, 1)
    campaign_id = await add_campaign(connection, template="Hi {first_name} in {location}{last_name}, {nickname}")
    for body in ({}, {"override_template": None}, {"override_template": ""}):
        answer = await client.post(
            f"/campaigns/{campaign_id}/personalized-preview", json={"customer_id": customer, **body}
        )
        assert answer.json() == {
            "rendered_message": "Hi Customer 0 in Nairobi, {nickname}",
            "used_template": "Hi {first_name} in {location}{last_name}, {nickname}",
            "customer": {"id": customer, "first_name": "Customer 0"},
            "sms": {"encoding": "gsm7", "units": 38, "segments": 1},
            "warnings": ["Unknown placeholder {nickname}"],
        }


async def test_a_preview_renders_an_override_template(client: httpx2.AsyncClient, connection: Connection) -> None:
    [customer] = await add_customers(connection, 1)
    campaign_id = await add_campaign(connection)
    answer = await client.post(
        f"/campaigns/{campaign_id}/personalized-preview",
        json={"customer_id": customer, "override_template": "Ciao {first_name}"},
    )
    assert answer.json()["rendered_message"] == "Ciao Customer 0"
    assert answer.json()["used_template"] == "Ciao {first_name}"


@pytest.mark.parametrize("template", ["{last_name}", " {last_name}\u200b\n", "\u3164\ufe0f", "{last_name}\u2066\u2069"])
async def test_a_preview_warns_of_a_blank_message(
    client: httpx2.AsyncClient, connection: Connection, template: str
) -> None:
    [customer] = await add_customers(connection, 1)
    campaign_id = await add_campaign(connection, template=template)
    url = f"/campaigns/{campaign_id}/personalized-preview"
    blank = (await client.post(url, json={"customer_id": customer})).json()
    assert blank["warnings"] == ["The message is blank: it holds no visible character"]
    assert blank["rendered_message"] == template.replace("{last_name}", "")
    visible = await client.post(url, json={"customer_id": customer, "override_template": template + "Hi"})
    assert not any("blank" in warning for warning in visible.json().get("warnings", []))


@pytest.mark.parametrize(
    ("campaign", "body", "status", "code"),
    [
        (99, {"customer_id": 1}, 404, "CAMPAIGN_NOT_FOUND"),
        (1, {"customer_id": 99}, 404, "CUSTOMER_NOT_FOUND"),
        (1, {"customer_id": 2**63}, 404, "CUSTOMER_NOT_FOUND"),
        (1, {"customer_id": 1, "override_template": "{"}, 400, "INVALID_TEMPLATE"),
        (1, {"customer_id": 0}, 400, "INVALID_REQUEST"),
        (1, {"customer_id": "1"}, 400, "INVALID_REQUEST"),
        (1, {}, 400, "INVALID_REQUEST"),
    ],
)
async def test_a_preview_with_an_unknown_or_invalid_argument_is_refused(
    client: httpx2.AsyncClient, connection: Connection, campaign: int, body: dict[str, object], status: int, code: str
) -> None:
    await add_customers(connection, 1)
    await add_campaign(connection)
    answer = await client.post(f"/campaigns/{campaign}/personalized-preview", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


async def test_all_messages_are_listed_once_and_by_status(client: httpx2.AsyncClient, connection: Connection) -> None:
    campaign_id = await add_campaign(connection)
    customers = await add_customers(connection, 45)
    await add_messages(connection, campaign_id, customers)
    await connection.execute("UPDATE outbound_messages SET status = 'sent' WHERE customer_id <= %s", [customers[29]])
    for status, expected in ((None, customers), ("sent", customers[:30]), ("pending", customers[30:]), ("failed", [])):
        seen: list[int] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"cursor": cursor, **({"status": status} if status else {})}
            body = (await client.get(f"/campaigns/{campaign_id}/messages", params=query)).json()
            seen += [message["customer_id"] for message in body["messages"]]
            cursor = body["pagination"]["next_cursor"]
        assert seen == expected


async def test_the_messages_of_an_unknown_campaign_are_not_found(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/campaigns/1/messages")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "CAMPAIGN_NOT_FOUND")


async def test_a_message_is_found_by_its_id(client: httpx2.AsyncClient, connection: Connection) -> None:
    [customer] = await add_customers(connection, 1)
    campaign_id = await add_campaign(connection)
    [message_id] = await add_messages(connection, campaign_id, [customer])
    await connection.execute("UPDATE outbound_messages SET status = 'sent', rendered_content = 'Hi'")
    [listed] = (await client.get(f"/campaigns/{campaign_id}/messages")).json()["messages"]
    assert (await client.get(f"/messages/{message_id}")).json() == listed
    assert listed["sms"] == {"encoding": "gsm7", "units": 2, "segments": 1}
    missing = await client.get("/messages/999")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "MESSAGE_NOT_FOUND")


async def test_failed_messages_are_counted_by_their_reasons(client: httpx2.AsyncClient, connection: Connection) -> None:
    customers = await add_customers(connection, 12)
    campaign_id = await add_campaign(connection)
    messages = await add_messages(connection, campaign_id, customers)
    assert (await client.get(f"/campaigns/{campaign_id}/failures")).json() == {"failures": []}
    await connection.execute(
        """
        UPDATE outbound_messages
           SET status = 'failed', last_error = CASE WHEN id < %s THEN 'refused' END,
               next_attempt_at = CASE WHEN id < %s THEN now() END
         WHERE id < %s
        """,
        [messages[8], messages[2], messages[10]],
    )
    assert (await client.get(f"/campaigns/{campaign_id}/failures")).json()["failures"] == [
        {"reason": "refused", "messages": 8, "waiting": 2, "message_ids": messages[:5]},
        {"reason": None, "messages": 2, "waiting": 0, "message_ids": messages[8:10]},
    ]
