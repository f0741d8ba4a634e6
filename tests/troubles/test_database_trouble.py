"""No error of PostgreSQL loses a result, and one bad row does not affect other rows."""

import asyncio
from functools import partial

import aio_pika
import pytest

from leopard.broker.queues import DEAD_LETTERS
from leopard.db.pool import Connection
from support.factories import rows, until
from troubles.scripted import ScriptedProvider, scripted_provider
from troubles.services import campaign_of, services, statuses, until_finished

MESSAGES = 1500
LONG_TIMEOUT = 9
"""Seconds. Services, provider and test share an event loop, which a busy machine can block for seconds."""


async def accepted_at_least(provider: ScriptedProvider, count: int) -> bool:
    return len(provider.accepted) >= count


async def dead_letters(amqp_url: str) -> int:
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        queue = await channel.declare_queue(DEAD_LETTERS.name, passive=True)
        return queue.declaration_result.message_count or 0


@pytest.mark.expects_tracebacks
async def test_a_temporarily_missing_table_loses_no_result(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    async with scripted_provider() as provider:
        provider.latency_seconds = 0.1
        async with services(database_url, amqp_url, url=provider.url, http_timeout_seconds=LONG_TIMEOUT, workers=2):
            campaign_id = await campaign_of(connection, MESSAGES)
            await until(partial(accepted_at_least, provider, 200))
            await connection.execute("ALTER TABLE outbound_messages RENAME TO elsewhere")
            await asyncio.sleep(3)
            await connection.execute("ALTER TABLE elsewhere RENAME TO outbound_messages")
            assert await until_finished(connection, campaign_id) == {"sent": MESSAGES}
    assert set(provider.accepted.values()) == {1}


async def test_a_changed_column_dead_letters_no_job(connection: Connection, database_url: str, amqp_url: str) -> None:
    async with scripted_provider() as provider:
        provider.latency_seconds = 0.1
        async with services(database_url, amqp_url, url=provider.url, http_timeout_seconds=LONG_TIMEOUT, workers=2):
            campaign_id = await campaign_of(connection, MESSAGES)
            await until(partial(accepted_at_least, provider, 200))
            await connection.execute("ALTER TABLE customers ALTER COLUMN first_name TYPE varchar(300)")
            assert await until_finished(connection, campaign_id) == {"sent": MESSAGES}
            assert await dead_letters(amqp_url) == 0
    assert set(provider.accepted.values()) == {1}


async def test_a_refused_text_does_not_lose_the_result(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    async with scripted_provider() as provider:
        async with services(database_url, amqp_url, url=provider.url, http_timeout_seconds=LONG_TIMEOUT):
            await connection.execute(
                """
                ALTER TABLE outbound_messages ADD CONSTRAINT no_sevens
                CHECK (rendered_content IS NULL OR rendered_content NOT LIKE '%7') NOT VALID
                """
            )
            campaign_id = await campaign_of(connection, 400)
            assert await until_finished(connection, campaign_id) == {"sent": 400}
        refused = await rows(connection, "SELECT count(*) FROM outbound_messages WHERE rendered_content IS NULL")
    assert refused == [{"count": 40}], "the result must be recorded without its text"
    assert set(provider.accepted.values()) == {1}


async def test_a_result_that_cannot_be_recorded_is_kept_and_blocks_no_other(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    async with scripted_provider() as provider, services(database_url, amqp_url, url=provider.url, lease_seconds=60):
        campaign_id = await campaign_of(connection, 300)
        await connection.execute(
            """
            ALTER TABLE outbound_messages ADD CONSTRAINT not_the_tenth
            CHECK (status <> 'sent' OR customer_id % 100 <> 10) NOT VALID
            """
        )

        async def others_recorded() -> bool:
            return (await statuses(connection, campaign_id)).get("sent", 0) == 297

        await until(others_recorded)
        await connection.execute("ALTER TABLE outbound_messages DROP CONSTRAINT not_the_tenth")
        assert await until_finished(connection, campaign_id) == {"sent": 300}
    assert set(provider.accepted.values()) == {1}


async def test_workers_wait_for_a_read_only_database(connection: Connection, database_url: str, amqp_url: str) -> None:
    async with scripted_provider() as provider:
        provider.latency_seconds = 0.05
        async with services(database_url, amqp_url, url=provider.url, http_timeout_seconds=LONG_TIMEOUT):
            campaign_id = await campaign_of(connection, MESSAGES)
            await until(partial(accepted_at_least, provider, 100))
            [name] = await rows(connection, "SELECT current_database() AS name")
            await connection.execute(f"ALTER DATABASE {name['name']} SET default_transaction_read_only = on")
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sender-worker%'"
            )
            await asyncio.sleep(2)
            await connection.execute(f"ALTER DATABASE {name['name']} SET default_transaction_read_only = off")
            assert await until_finished(connection, campaign_id) == {"sent": MESSAGES}
    assert set(provider.accepted.values()) == {1}
