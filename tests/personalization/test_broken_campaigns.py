"""Texts that no worker can read fail their own messages with a reason, and delay no other campaign."""

from typing import Final

import pytest

from leopard.db.pool import Connection
from personalization.running import simulator
from support.factories import add_customers, add_messages, rows
from support.stored_texts import BROKEN, UNKNOWN_FORMS, StoredTexts, add_stored
from troubles.services import services, until_finished

CUSTOMERS: Final = 4

GOOD: Final = {
    "plain": StoredTexts("NULL"),
    "personalized": StoredTexts("'{}'", '{first_name|default:"friend"}'),
    "content": StoredTexts("""'{"content": {"footer": "Bye"}}'"""),
}

SENT: Final = {*GOOD, "language", "variant-language"}
"""Customers without a language do not get the texts that do not parse."""

REASONS: Final = ("the template cannot be read: ", "the message cannot be sent to this recipient: content.footer ")


async def test_broken_texts_fail_only_their_own_messages(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    customers = await add_customers(connection, CUSTOMERS)
    campaigns: dict[str, int] = {}
    # the good campaigns stand between broken ones, so that batches of claims hold both
    for name, stored in {**dict(list(BROKEN.items())[::2]), **GOOD, **dict(list(BROKEN.items())[1::2])}.items():
        campaigns[name] = await add_stored(connection, stored, status="paused")
        await add_messages(connection, campaigns[name], customers)
    await connection.execute(
        "UPDATE outbound_messages SET variant = 1 FROM campaigns"
        " WHERE campaigns.id = campaign_id AND personalization ? 'variants'"
    )
    await connection.execute("UPDATE campaigns SET status = 'sending'")
    async with simulator() as (provider, url), services(database_url, amqp_url, url=url):
        for name, campaign_id in campaigns.items():
            counts = await until_finished(connection, campaign_id)
            assert counts == {"sent" if name in SENT else "failed": CUSTOMERS}, name
    assert len(provider.ledger) == CUSTOMERS * len(SENT)
    for name in BROKEN.keys() - SENT:
        failed = await rows(
            connection,
            "SELECT DISTINCT last_error, rendered_content, retry_count FROM outbound_messages WHERE campaign_id = %s",
            campaigns[name],
        )
        assert [(one["rendered_content"], one["retry_count"]) for one in failed] == [(None, 0)], name
        [error] = [one["last_error"] for one in failed]
        assert error.startswith(REASONS[0] if name in UNKNOWN_FORMS else REASONS), (name, error)


@pytest.mark.parametrize("name", ["null", "templates-deeper", "variants-number", "content-type", "filter"])
async def test_a_scheduled_campaign_with_broken_texts_fails_and_delays_no_other(
    connection: Connection, database_url: str, amqp_url: str, name: str
) -> None:
    await add_customers(connection, CUSTOMERS)
    broken, good = [await add_stored(connection, texts, status="draft") for texts in (BROKEN[name], GOOD["plain"])]
    await connection.execute(
        """UPDATE campaigns SET status = 'scheduled', scheduled_at = now(), audience = '{"all": true}', format = 3"""
    )
    async with simulator() as (_, url), services(database_url, amqp_url, url=url):
        assert await until_finished(connection, good) == {"sent": CUSTOMERS}
        assert await until_finished(connection, broken) == {"failed": CUSTOMERS}
    stored = await rows(connection, "SELECT status FROM campaigns ORDER BY id")
    assert [campaign["status"] for campaign in stored] == ["failed", "sent"]


@pytest.mark.parametrize("variant", [1, 2])
async def test_a_broken_variant_fails_only_its_own_messages(
    connection: Connection, database_url: str, amqp_url: str, variant: int
) -> None:
    texts = ["Hi {first_name}", "Hello {first_name}"]
    texts[variant - 1] = "{{if"
    variants = ", ".join(f'{{"name": "{text[:2]}", "weight": 1, "base_template": "{text}"}}' for text in texts)
    campaign_id = await add_stored(connection, StoredTexts(f"""'{{"variants": [{variants}]}}'"""), status="paused")
    await add_messages(connection, campaign_id, await add_customers(connection, 6))
    await connection.execute("UPDATE outbound_messages SET variant = 1 + customer_id % 2")
    await connection.execute("UPDATE campaigns SET status = 'sending'")
    async with simulator() as (_, url), services(database_url, amqp_url, url=url):
        assert await until_finished(connection, campaign_id) == {"sent": 3, "failed": 3}
    found = await rows(connection, "SELECT DISTINCT variant, status FROM outbound_messages ORDER BY status")
    assert found == [{"variant": variant, "status": "failed"}, {"variant": 3 - variant, "status": "sent"}]


@pytest.mark.expects_tracebacks
async def test_attributes_that_cannot_be_read_fail_only_messages_that_show_one(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    customers = await add_customers(connection, 3)
    for customer_id, points in zip(customers, ("1", "[", None), strict=True):
        if points is not None:
            closed = "repeat(']', 5000)" if points == "[" else "''"
            written = f"""('{{"points": ' || repeat('{points}', 5000) || {closed} || '}}')::jsonb"""
            statement = f"UPDATE customers SET attributes = {written} WHERE id = {customer_id}"
            await connection.execute(statement.encode())
    expected = {'{first_name|default:"friend"}': {"sent": 3}, "Hi {attributes.points}": {"failed": 2, "sent": 1}}
    campaigns = {}
    for template in expected:
        campaigns[template] = await add_stored(connection, StoredTexts("'{}'", template), status="paused")
        await add_messages(connection, campaigns[template], customers)
    await connection.execute("UPDATE campaigns SET status = 'sending'")
    async with simulator() as (_, url), services(database_url, amqp_url, url=url):
        for template, campaign_id in campaigns.items():
            assert await until_finished(connection, campaign_id) == expected[template]
    reasons = await rows(connection, "SELECT last_error FROM outbound_messages WHERE status = 'failed' ORDER BY 1")
    assert [reason["last_error"] for reason in reasons] == [
        "the template cannot be rendered: RecursionError",
        "the template cannot be rendered: ValueError",
    ]
