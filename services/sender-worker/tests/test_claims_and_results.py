"""Only one worker holds a message at a time, and only its result counts."""

import asyncio
from dataclasses import replace

import pytest

from leopard.db.pool import Connection, Pool
from leopard.domain.statuses import MessageStatus
from leopard.providers.contract import Accepted, Refused, Throttled, Unknown
from sender_worker.claims import Claim, claim_messages
from sender_worker.results import Result, RetryRules, outcome_unknown_result, record_results, release_result, result_of
from support.factories import add_campaign, add_customers, add_messages, counts, rows

LEASE = 60.0
SHARD = 1
RULES = RetryRules(backoff_seconds=10, backoff_max_seconds=900, retry_unknown=True)


async def messages(connection: Connection, count: int, *, status: str = "sending") -> list[int]:
    campaign_id = await add_campaign(connection, status=status, template="Hi {first_name} from {location}")
    return await add_messages(connection, campaign_id, await add_customers(connection, count))


async def claim_one(connection: Connection, message_id: int, *, lease_seconds: float = LEASE) -> Claim:
    [claim] = await claim_messages(connection, [message_id], lease_seconds, SHARD)
    assert claim is not None
    return claim


def sent(claim: Claim) -> Result:
    return Result(claim, MessageStatus.SENT, "Hi")


async def test_a_claim_contains_all_data_for_sending(connection: Connection) -> None:
    [message_id] = await messages(connection, 1)
    claim = await claim_one(connection, message_id)
    assert (claim.message_id, claim.retry_count, claim.outcome_unknown) == (message_id, 0, False)
    assert (claim.channel, claim.base_template) == ("sms", "Hi {first_name} from {location}")
    assert (claim.phone, claim.first_name, claim.last_name, claim.location) == (
        "+254700000000",
        "Customer 0",
        None,
        "Nairobi",
    )


async def test_a_claimed_message_cannot_be_claimed_again(connection: Connection) -> None:
    [message_id] = await messages(connection, 1)
    await claim_one(connection, message_id)
    assert await claim_messages(connection, [message_id], LEASE, SHARD) == [None]


async def test_a_repeated_id_is_claimed_once(connection: Connection) -> None:
    [message_id] = await messages(connection, 1)
    first, second, unknown = await claim_messages(connection, [message_id, message_id, 999], LEASE, SHARD)
    assert first is not None
    assert (second, unknown) == (None, None)


async def test_concurrent_workers_claim_each_message_once(connection: Connection, pool: Pool) -> None:
    ids = await messages(connection, 300)

    async def worker() -> list[int]:
        async with pool.connection() as own:
            return [claim.message_id for claim in await claim_messages(own, ids, LEASE, SHARD) if claim]

    claimed = [
        message_id
        for worker_claims in await asyncio.gather(*(worker() for _ in range(8)))
        for message_id in worker_claims
    ]
    assert sorted(claimed) == ids


@pytest.mark.parametrize(
    "change",
    [
        "status = 'sent'",
        "status = 'failed'",
        "status = 'failed', next_attempt_at = now() + interval '1 hour'",
        "next_attempt_at = now() + interval '1 hour'",
    ],
)
async def test_a_message_that_is_finished_or_waits_is_not_claimed(connection: Connection, change: str) -> None:
    [message_id] = await messages(connection, 1)
    await connection.execute(f"UPDATE outbound_messages SET {change}")
    assert await claim_messages(connection, [message_id], LEASE, SHARD) == [None]


@pytest.mark.parametrize("status", ["draft", "scheduled", "paused", "sent", "failed", "cancelled"])
async def test_no_message_is_claimed_of_a_campaign_that_is_not_sending(connection: Connection, status: str) -> None:
    ids = await messages(connection, 2, status=status)
    assert await claim_messages(connection, ids, LEASE, SHARD) == [None, None]


async def test_a_claim_after_an_ended_claim_reports_an_unknown_outcome(connection: Connection) -> None:
    [message_id] = await messages(connection, 1)
    first = await claim_one(connection, message_id, lease_seconds=0.001)
    await asyncio.sleep(0.01)
    second = await claim_one(connection, message_id)
    assert (second.outcome_unknown, second.retry_count) == (True, 1)
    assert (await counts(connection, second.campaign_id))["unknown_outcomes"] == 1
    assert second.claimed_until > first.claimed_until


async def test_a_result_is_recorded_and_counted(connection: Connection) -> None:
    claims = [await claim_one(connection, message_id) for message_id in await messages(connection, 6)]
    results = [
        Result(claims[0], MessageStatus.SENT, "Hi A"),
        Result(claims[1], MessageStatus.FAILED, "Hi B", "bad number", attempts=1),
        Result(claims[2], MessageStatus.FAILED, "Hi C", "busy", retry_in_seconds=100, attempts=1),
        Result(claims[3], MessageStatus.PENDING, retry_in_seconds=50),
        release_result(claims[4]),
        outcome_unknown_result(claims[5]),
    ]
    assert await record_results(connection, results, 1) == [True] * 6
    recorded = await rows(
        connection,
        """SELECT status, rendered_content, last_error, retry_count, claimed_until,
                  extract(epoch FROM next_attempt_at - now())::int AS wait FROM outbound_messages ORDER BY id""",
    )
    assert [tuple(row.values()) for row in recorded] == [
        ("sent", "Hi A", None, 0, None, None),
        ("failed", "Hi B", "bad number", 1, None, None),
        ("failed", "Hi C", "busy", 1, None, 100),
        ("pending", None, None, 0, None, 50),
        ("pending", None, None, 0, None, None),
        ("failed", None, "outcome unknown", 0, None, None),
    ]
    assert await counts(connection, claims[0].campaign_id) == {"total": 6, "sent": 1, "failed": 2, "retries": 1}


async def test_a_result_counts_once(connection: Connection) -> None:
    [message_id] = await messages(connection, 1)
    result = sent(await claim_one(connection, message_id))
    assert await record_results(connection, [result], 1) == [True]
    assert await record_results(connection, [result], 1) == [False]
    assert (await counts(connection, result.claim.campaign_id))["sent"] == 1


async def test_the_result_of_a_replaced_claim_changes_nothing(connection: Connection) -> None:
    [message_id] = await messages(connection, 1)
    late = await claim_one(connection, message_id, lease_seconds=0.001)
    await asyncio.sleep(0.01)
    current = await claim_one(connection, message_id)
    assert await record_results(connection, [replace(sent(late), content="late")], 1) == [False]
    assert await record_results(connection, [sent(current)], 1) == [True]
    [row] = await rows(connection, "SELECT status, rendered_content FROM outbound_messages")
    assert row == {"status": "sent", "rendered_content": "Hi"}


async def test_the_result_of_a_deleted_message_does_not_count(connection: Connection) -> None:
    [message_id] = await messages(connection, 1)
    claim = await claim_one(connection, message_id)
    await connection.execute("DELETE FROM customers")
    assert await record_results(connection, [sent(claim)], 1) == [False]
    assert await counts(connection, claim.campaign_id) == {}


async def test_the_third_failure_and_every_permanent_failure_are_final(connection: Connection) -> None:
    [message_id] = await messages(connection, 1)
    claim = await claim_one(connection, message_id)
    assert result_of(claim, "Hi", Accepted(), RULES) == Result(claim, MessageStatus.SENT, "Hi")
    for failures, final in ((0, False), (1, False), (2, True)):
        for answer in (Refused("busy", permanent=False), Unknown("reset")):
            result = result_of(replace(claim, retry_count=failures), "Hi", answer, RULES)
            assert (result.status, result.final, result.attempts) == (MessageStatus.FAILED, final, 1)
    assert result_of(claim, "Hi", Refused("bad number", permanent=True), RULES).final


async def test_an_unknown_outcome_is_counted_and_retried_only_if_configured(connection: Connection) -> None:
    [message_id] = await messages(connection, 1)
    claim = await claim_one(connection, message_id)
    for retry_unknown in (True, False):
        result = result_of(claim, "Hi", Unknown("reset"), replace(RULES, retry_unknown=retry_unknown))
        assert (result.final, result.outcome_unknown) == (not retry_unknown, True)
        assert result.error == "outcome unknown: reset"


async def test_throttling_costs_no_attempt(connection: Connection) -> None:
    [message_id] = await messages(connection, 1)
    result = result_of(await claim_one(connection, message_id), "Hi", Throttled(7), RULES)
    assert (result.status, result.attempts) == (MessageStatus.PENDING, 0)
    assert result.retry_in_seconds is not None
    assert 7 <= result.retry_in_seconds <= 8, "with jitter, so that messages do not all return at once"
