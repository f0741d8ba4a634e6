"""Results: what became of claimed messages, recorded for many at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leopard.db.pool import Connection
from leopard.domain.statuses import MAX_ATTEMPTS, MessageStatus
from sender_worker.backoff import backoff_seconds
from sender_worker.claims import Claim
from sender_worker.providers.provider import Accepted, Answer


@dataclass(frozen=True, slots=True)
class Result:
    """How an attempt to send a claimed message ended."""

    claim: Claim
    content: str
    status: MessageStatus
    error: str | None = None
    retry_in_seconds: float | None = None

    @property
    def final(self) -> bool:
        """Whether the message is finished."""
        return self.retry_in_seconds is None


def result_of(claim: Claim, content: str, answer: Answer, *, backoff_base: float, backoff_max: float) -> Result:
    """What a provider's answer means: sent, to be tried again, or failed for good."""
    if isinstance(answer, Accepted):
        return Result(claim, content, MessageStatus.SENT)
    failures = claim.retry_count + 1
    if answer.permanent or failures >= MAX_ATTEMPTS:
        return Result(claim, content, MessageStatus.FAILED, answer.reason)
    wait = backoff_seconds(failures, base=backoff_base, maximum=backoff_max)
    return Result(claim, content, MessageStatus.FAILED, answer.reason, wait)


# Only the claim that is in force may record: a worker that comes too late changes nothing, and counts nothing.
_RECORD: Final = """
WITH result AS (
    SELECT *
      FROM unnest(
           %(message_ids)s::bigint[], %(claimed_until)s::timestamptz[], %(statuses)s::text[], %(contents)s::text[],
           %(errors)s::text[], %(retry_in_seconds)s::float8[]
           ) AS result (message_id, claimed_until, status, content, error, retry_in_seconds)
), recorded AS (
    UPDATE outbound_messages AS m
       SET status = result.status,
           rendered_content = result.content,
           last_error = COALESCE(result.error, m.last_error),
           retry_count = m.retry_count + CASE WHEN result.status = 'failed' THEN 1 ELSE 0 END,
           next_attempt_at = now() + make_interval(secs => result.retry_in_seconds),
           claimed_until = NULL,
           updated_at = now()
      FROM result
     WHERE m.id = result.message_id AND m.claimed_until = result.claimed_until AND m.status = 'pending'
    RETURNING m.id, m.campaign_id, m.status, m.next_attempt_at
), counted AS (
    INSERT INTO campaign_counts AS counts (campaign_id, shard, sent, failed, retries)
    SELECT campaign_id, %(shard)s, count(*) FILTER (WHERE status = 'sent'),
           count(*) FILTER (WHERE status = 'failed' AND next_attempt_at IS NULL),
           count(*) FILTER (WHERE next_attempt_at IS NOT NULL)
      FROM recorded
     GROUP BY campaign_id
     ORDER BY campaign_id
        ON CONFLICT (campaign_id, shard) DO UPDATE
       SET sent = counts.sent + excluded.sent,
           failed = counts.failed + excluded.failed,
           retries = counts.retries + excluded.retries
)
SELECT id FROM recorded
"""


async def record_results(connection: Connection, results: Sequence[Result], shard: int) -> list[bool]:
    """Record results in one statement; for each whether it counted, which a claim that had ended does not."""
    cursor = await connection.execute(
        _RECORD,
        {
            "message_ids": [result.claim.message_id for result in results],
            "claimed_until": [result.claim.claimed_until for result in results],
            "statuses": [result.status.value for result in results],
            "contents": [result.content for result in results],
            "errors": [result.error for result in results],
            "retry_in_seconds": [result.retry_in_seconds for result in results],
            "shard": shard,
        },
    )
    recorded = {row[0] for row in await cursor.fetchall()}
    return [result.claim.message_id in recorded for result in results]
