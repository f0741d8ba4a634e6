"""An outage of the provider uses up no attempts: messages wait, single messages probe it, and all are sent later."""

import asyncio
import time
from functools import partial

import pytest
from aiohttp import web

from leopard.db.pool import Connection
from leopard.db.provider_holds import hold_of
from leopard.domain.statuses import Channel
from support.factories import rows, until
from troubles.scripted import ScriptedProvider, scripted_provider
from troubles.services import campaign_of, services, statuses, until_finished

MESSAGES = 600
OUTAGE_SECONDS = 5.0


async def accepted_at_least(provider: ScriptedProvider, count: int) -> bool:
    return len(provider.accepted) >= count


async def is_held(connection: Connection) -> bool:
    return await hold_of(connection, Channel.SMS) is not None


async def assert_all_sent_once(connection: Connection, provider: ScriptedProvider, campaign_id: int) -> None:
    assert await until_finished(connection, campaign_id, seconds=90) == {"sent": MESSAGES}
    assert set(provider.accepted.values()) == {1}
    [attempts] = await rows(connection, "SELECT max(retry_count) AS most FROM outbound_messages")
    assert attempts["most"] == 0, "the outage used up an attempt"


@pytest.mark.parametrize("workers", [1, 3])
async def test_no_message_is_lost_while_the_provider_is_unreachable(
    connection: Connection, database_url: str, amqp_url: str, workers: int
) -> None:
    async with (
        scripted_provider() as provider,
        services(database_url, amqp_url, url=provider.url, workers=workers),
    ):
        provider.latency_seconds = 0.05
        campaign_id = await campaign_of(connection, MESSAGES)
        await until(partial(accepted_at_least, provider, 50))
        # requests in flight are still answered, so the outage leaves no outcome unknown
        await provider.close()
        await until(partial(is_held, connection))
        assert (await statuses(connection, campaign_id))["pending"] > 100
        await asyncio.sleep(OUTAGE_SECONDS)
        hold = await hold_of(connection, Channel.SMS)
        assert hold is not None
        assert "cannot be reached" in hold.reason
        await provider.open()
        assert await until_finished(connection, campaign_id, seconds=90) == {"sent": MESSAGES}
        [unknown] = await rows(connection, "SELECT sum(unknown_outcomes) AS count FROM campaign_counts")
        assert sum(provider.accepted.values()) <= MESSAGES + unknown["count"]
        assert not await is_held(connection)


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [(503, {"Retry-After": "2"}, "503"), (503, {}, "503"), (401, {}, "credentials"), (403, {}, "credentials")],
)
async def test_a_failing_provider_gets_one_probe_at_a_time(
    connection: Connection, database_url: str, amqp_url: str, status: int, headers: dict[str, str], reason: str
) -> None:
    async with scripted_provider() as provider:
        provider.latency_seconds = 0.01
        provider.answer = lambda: web.Response(status=status, headers=headers)
        async with services(database_url, amqp_url, url=provider.url, workers=2):
            campaign_id = await campaign_of(connection, MESSAGES)
            await until(partial(is_held, connection))
            await asyncio.sleep(2)
            probes_before = provider.statuses[status]
            provider.max_in_flight = 0
            await asyncio.sleep(OUTAGE_SECONDS)
            assert provider.statuses[status] - probes_before <= 8, "the provider got more than probes"
            assert provider.max_in_flight <= 1
            hold = await hold_of(connection, Channel.SMS)
            assert hold is not None
            assert reason in hold.reason
            provider.answer = lambda: web.Response(status=200)
            await assert_all_sent_once(connection, provider, campaign_id)


async def test_a_provider_that_does_not_answer_is_held(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    async with scripted_provider() as provider:
        provider.latency_seconds = 30
        async with services(database_url, amqp_url, url=provider.url, http_timeout_seconds=0.5):
            campaign_id = await campaign_of(connection, MESSAGES)
            await until(partial(is_held, connection))
            provider.latency_seconds = 0.01
            assert await until_finished(connection, campaign_id, seconds=90) == {"sent": MESSAGES}


async def test_all_workers_slow_down_for_a_throttling_provider(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    allowed, second = 50, 0
    taken = 0

    def limited() -> web.Response:
        nonlocal second, taken
        if second != int(time.monotonic()):
            second, taken = int(time.monotonic()), 0
        taken += 1
        return web.Response(status=202) if taken <= allowed else web.Response(status=429, headers={"Retry-After": "1"})

    async with scripted_provider() as provider:
        provider.answer = limited
        provider.latency_seconds = 0.02
        async with services(database_url, amqp_url, url=provider.url, workers=3):
            campaign_id = await campaign_of(connection, 900)
            assert await until_finished(connection, campaign_id, seconds=150) == {"sent": 900}
    assert provider.statuses[429] < 0.2 * provider.statuses[202], provider.statuses
    assert set(provider.accepted.values()) == {1}


async def test_one_throttled_message_delays_no_other(connection: Connection, database_url: str, amqp_url: str) -> None:
    """Even if the provider sends an invalid Retry-After."""
    invalid = iter(["NaN", "-inf", "1e400", "soon", "0", "-3", "", "²"])

    def answer() -> web.Response:
        if len(provider.accepted) >= 100 and (seconds := next(invalid, None)) is not None:
            return web.Response(status=429, headers={"Retry-After": seconds})
        return web.Response(status=202)

    async with scripted_provider() as provider:
        provider.answer = answer
        async with services(database_url, amqp_url, url=provider.url, on_unknown_outcome="fail"):
            campaign_id = await campaign_of(connection, 400)

            async def others_sent() -> bool:
                return (await statuses(connection, campaign_id)).get("sent", 0) >= 390

            await until(others_sent, seconds=15)
            # a Retry-After can delay a message for up to an hour
            await connection.execute("UPDATE outbound_messages SET next_attempt_at = now() WHERE status = 'pending'")
            assert await until_finished(connection, campaign_id) == {"sent": 400}
    assert set(provider.accepted.values()) == {1}


async def test_a_redirect_does_not_count_as_accepted(connection: Connection, database_url: str, amqp_url: str) -> None:
    async with scripted_provider() as provider:
        for status in (301, 302, 303, 307, 308):
            provider.answer = lambda status=status: web.Response(  # type: ignore[misc]
                status=status, headers={"Location": "/ok"}
            )
            async with services(database_url, amqp_url, url=provider.url, backoff_seconds=0.01):
                campaign_id = await campaign_of(connection, 5)
                assert await until_finished(connection, campaign_id) == {"failed": 5}
            [error] = await rows(
                connection, "SELECT DISTINCT last_error FROM outbound_messages WHERE campaign_id = %s", campaign_id
            )
            assert str(status) in error["last_error"]
    assert not provider.accepted


async def test_idempotency_keys_contain_the_id_of_the_installation(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    async with scripted_provider() as provider:
        provider.answer = lambda: web.Response(status=500)
        async with services(database_url, amqp_url, url=provider.url, backoff_seconds=0.01):
            campaign_id = await campaign_of(connection, 3)
            await until_finished(connection, campaign_id)
        [installation] = await rows(connection, "SELECT id::text FROM installation")
    assert provider.keys == {message_id: {f"{installation['id']}-{message_id}"} for message_id in provider.keys}, (
        "every attempt must have the same key"
    )
    assert provider.statuses[500] == 9


async def test_a_blank_text_is_not_sent(connection: Connection, database_url: str, amqp_url: str) -> None:
    async with scripted_provider() as provider, services(database_url, amqp_url, url=provider.url):
        campaign_id = await campaign_of(connection, 3, template="{first_name}")
        await connection.execute("UPDATE customers SET first_name = ' \u200b\u3000' WHERE id = 2")
        await connection.execute("UPDATE customers SET first_name = NULL WHERE id = 3")
        assert await until_finished(connection, campaign_id) in ({"sent": 1, "failed": 2}, {"sent": 3})


async def test_an_unreadable_stored_template_fails_only_its_messages(
    connection: Connection, database_url: str, amqp_url: str
) -> None:
    async with scripted_provider() as provider, services(database_url, amqp_url, url=provider.url):
        broken = await campaign_of(connection, 20, template="Hi {first_name")
        good = await campaign_of(connection, 20)
        assert await until_finished(connection, good) == {"sent": 20}
        assert await until_finished(connection, broken) == {"failed": 20}
        errors = await rows(
            connection, "SELECT DISTINCT last_error FROM outbound_messages WHERE campaign_id = %s", broken
        )
    assert len(errors) == 1
    assert errors[0]["last_error"].startswith("the template cannot be read")
    assert len(provider.accepted) == 20
