"""Results of claimed messages, and the statement that records many of them. Asks no provider."""

import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

from leopard.db.counts import adding, shard_of
from leopard.db.message_states import FAILED_FOR_GOOD, WAITS_FOR_RETRY
from leopard.db.pool import Connection
from leopard.domain.statuses import MAX_ATTEMPTS, OUTCOME_UNKNOWN, MessageStatus
from leopard.providers.contract import Accepted, Refused, SendOutcome, Throttled, Unavailable, Unknown
from leopard.runtime.backoff import full_jitter
from sender_worker.claims import Claim

_MAX_ERROR_LENGTH: Final = 1000
_MAX_WAIT_SECONDS: Final = 86_400.0
_UNAVAILABLE_WAIT_SECONDS: Final = 1.0
"""The wait for a message whose provider is unavailable and asks for no specific wait."""


@dataclass(frozen=True, slots=True)
class RetryRules:
    """When a failed message is retried. Times are in seconds."""

    backoff_seconds: float
    backoff_max_seconds: float
    retry_unknown: bool
    """Whether a message that may have been sent is sent again."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one claimed message.

    The status `pending` releases the message, at once or after `retry_in_seconds`.
    """

    claim: Claim
    status: MessageStatus
    content: str | None = None
    error: str | None = None
    retry_in_seconds: float | None = None
    attempts: int = 0
    """The number of failed attempts to add to the message."""
    outcome_unknown: bool = False
    rich_content: dict[str, Any] | None = None

    @property
    def final(self) -> bool:
        """Whether the message is finished."""
        return self.status is not MessageStatus.PENDING and self.retry_in_seconds is None

    @property
    def released(self) -> bool:
        """Whether another worker may claim the message at once."""
        return self.status is MessageStatus.PENDING and self.retry_in_seconds is None


def result_of(
    claim: Claim, content: str, outcome: SendOutcome, rules: RetryRules, *, provider_held: bool = False
) -> Result:
    """The result for a provider's outcome: sent, retry, or finished as failed.

    Args:
        claim: The message that was sent.
        content: The text that was sent.
        outcome: The outcome of the send.
        rules: When a failed message is retried.
        provider_held: Whether the provider is held. If so, a missing response costs no attempt.
    """
    match outcome:
        case Accepted():
            return Result(claim, MessageStatus.SENT, content)
        case Throttled(retry_after_seconds):
            return _waiting(claim, "provider throttled", retry_after_seconds)
        case Unavailable(reason, retry_after_seconds):
            return _waiting(claim, f"provider {reason}", retry_after_seconds)
        case Refused(reason, permanent):
            return _failed(claim, content, reason, rules, final=permanent)
        case Unknown(reason):
            error = f"{OUTCOME_UNKNOWN}: {reason}"
            if provider_held and rules.retry_unknown:
                return _waiting(claim, error, None, outcome_unknown=True)
            return _failed(claim, content, error, rules, final=not rules.retry_unknown, outcome_unknown=True)
        case _:
            assert_never(outcome)


def not_sendable(claim: Claim, error: str, content: str | None = None) -> Result:
    """The result of a message that cannot be sent, so no provider gets it."""
    return Result(claim, MessageStatus.FAILED, content, _storable(error))


def outcome_unknown_result(claim: Claim) -> Result:
    """The result of a message that may have been sent and must not be sent again."""
    return Result(claim, MessageStatus.FAILED, error=OUTCOME_UNKNOWN)


def release_result(claim: Claim) -> Result:
    """The result of a message that was claimed and not sent."""
    return Result(claim, MessageStatus.PENDING)


def without_texts(result: Result) -> Result:
    """The same result without the texts that PostgreSQL refused: the status matters more than the texts."""
    error = None if result.error is None else "the provider's error text could not be stored"
    return Result(
        result.claim,
        result.status,
        None,
        error,
        result.retry_in_seconds,
        attempts=result.attempts,
        outcome_unknown=result.outcome_unknown,
    )


def _waiting(claim: Claim, error: str, seconds: float | None, *, outcome_unknown: bool = False) -> Result:
    wait = _UNAVAILABLE_WAIT_SECONDS if seconds is None else _bounded(seconds)
    jitter = random.uniform(0, 1)  # noqa: S311 so that held messages do not all return at once
    return Result(
        claim,
        MessageStatus.PENDING,
        error=_storable(error),
        retry_in_seconds=wait + jitter,
        outcome_unknown=outcome_unknown,
    )


def _failed(
    claim: Claim, content: str, error: str, rules: RetryRules, *, final: bool, outcome_unknown: bool = False
) -> Result:
    failures = claim.retry_count + 1
    wait = None
    if not final and failures < MAX_ATTEMPTS:
        wait = full_jitter(failures, base=rules.backoff_seconds, maximum=rules.backoff_max_seconds)
    return Result(
        claim, MessageStatus.FAILED, content, _storable(error), wait, attempts=1, outcome_unknown=outcome_unknown
    )


def _bounded(seconds: float) -> float:
    # a provider may send any number; PostgreSQL's intervals accept neither NaN nor infinity
    return _UNAVAILABLE_WAIT_SECONDS if math.isnan(seconds) else min(max(seconds, 0.0), _MAX_WAIT_SECONDS)


def _storable(text: str) -> str:
    # PostgreSQL's text accepts neither NUL nor half of a surrogate pair
    return text.replace("\0", "").encode(errors="replace").decode()[:_MAX_ERROR_LENGTH]


_COUNT_RECORDED: Final = adding(
    ("sent", "failed", "retries", "unknown_outcomes"),
    f"""
    SELECT campaign_id, {shard_of("variant", "%(shard)s")}, count(*) FILTER (WHERE m.status = 'sent'),
           count(*) FILTER (WHERE {FAILED_FOR_GOOD}), count(*) FILTER (WHERE {WAITS_FOR_RETRY}),
           count(*) FILTER (WHERE unknown)
      FROM recorded AS m
     GROUP BY 1, 2
     ORDER BY 1, 2
    """,
)

# Only the current claim may record. A late result changes nothing and counts nothing. Arrays go as binary (%b): that
# takes a fifth of the CPU of arrays as text.
_RECORD: Final = f"""
WITH result AS (
    SELECT *
      FROM unnest(
           %(message_ids)b::bigint[], %(claimed_until)b::timestamptz[], %(statuses)b::text[], %(contents)b::text[],
           %(errors)b::text[], %(retry_in_seconds)b::float8[], %(attempts)b::int[], %(unknown)b::bool[],
           %(rich_contents)b::text[]
           ) AS result (message_id, claimed_until, status, content, error, retry_in_seconds, attempts, unknown,
                        rich_content)
), recorded AS (
    UPDATE outbound_messages AS m
       SET status = result.status,
           rendered_content = COALESCE(result.content, m.rendered_content),
           content = COALESCE(result.rich_content::jsonb, m.content),
           last_error = COALESCE(result.error, m.last_error),
           retry_count = m.retry_count + result.attempts,
           next_attempt_at = now() + make_interval(secs => result.retry_in_seconds),
           claimed_until = NULL,
           updated_at = now()
      FROM result
     WHERE m.id = result.message_id AND m.claimed_until = result.claimed_until AND m.status = 'pending'
    RETURNING m.id, m.campaign_id, m.variant, m.status, m.next_attempt_at, result.unknown
), counted AS (
    {_COUNT_RECORDED}
)
SELECT id FROM recorded
"""


def _rich_contents(results: Sequence[Result]) -> list[str | None]:
    """The contents as JSON. If no message has one, the list is empty, and `unnest` fills it with nulls."""
    if all(result.rich_content is None for result in results):
        return []
    return [
        None if result.rich_content is None else json.dumps(result.rich_content, ensure_ascii=False)
        for result in results
    ]


async def record_results(connection: Connection, results: Sequence[Result], shard: int) -> list[bool]:
    """Record results in one statement; for each: whether it counted. Results of replaced claims do not count."""
    # rows are locked in the order of their ids (docs/adr/0017)
    ordered = sorted(results, key=lambda result: result.claim.message_id)
    cursor = await connection.execute(
        _RECORD,
        {
            "message_ids": [result.claim.message_id for result in ordered],
            "claimed_until": [result.claim.claimed_until for result in ordered],
            "statuses": [result.status.value for result in ordered],
            "contents": [result.content for result in ordered],
            "errors": [result.error for result in ordered],
            "retry_in_seconds": [result.retry_in_seconds for result in ordered],
            "attempts": [result.attempts for result in ordered],
            "unknown": [result.outcome_unknown for result in ordered],
            "rich_contents": _rich_contents(ordered),
            "shard": shard,
        },
    )
    recorded = {row[0] for row in await cursor.fetchall()}
    return [result.claim.message_id in recorded for result in results]
