"""Chunks: claimed, published, and found again where something went wrong.

A chunk is a range of a campaign's customers whose rows are written. It is claimed with a lease, its pending messages
are published, and it is marked published; a dispatcher that dies in between leaves a lease that ends by itself, and
whoever comes next publishes the same jobs again. Workers claim each message before they send it, so a job too many
does no harm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from leopard.broker.jobs import MessageJob
from leopard.db.pool import Connection
from leopard.domain.formats import KNOWN_FORMAT
from leopard.domain.statuses import Channel


@dataclass(frozen=True, slots=True)
class ClaimedChunk:
    """A chunk that this dispatcher may publish until `claimed_until`, which is also the claim's token."""

    id: int
    campaign_id: int
    first_customer_id: int
    last_customer_id: int
    claimed_until: datetime
    claimed_at: datetime
    traceparent: str | None


_CANDIDATE: Final = """
WITH candidate AS (
    SELECT campaign_chunks.id, campaign_chunks.campaign_id, campaigns.traceparent
      FROM campaign_chunks
      JOIN campaigns ON campaigns.id = campaign_chunks.campaign_id AND campaigns.status = 'sending'
     WHERE check_at IS NULL AND (claimed_until IS NULL OR claimed_until < now())
       AND campaigns.channel = ANY(%(channels)s) AND campaigns.format <= %(known_format)s
     ORDER BY campaigns.served_at NULLS FIRST, campaign_chunks.id
     LIMIT 1
"""

_TAKE: Final = """
UPDATE campaign_chunks
   SET claimed_until = now() + make_interval(secs => %(lease_seconds)s)
  FROM candidate
 WHERE campaign_chunks.id = candidate.id
RETURNING campaign_chunks.id, campaign_chunks.campaign_id, first_customer_id, last_customer_id, claimed_until,
          now() AS claimed_at, candidate.traceparent
"""

# The campaign served longest ago comes first, so that a small one does not stand behind one of millions. A claim waits
# for no lock: it passes over a chunk where another transaction has the chunk or its campaign (docs/adr/0017).
_CLAIM: Final = f"""
{_CANDIDATE}
       FOR NO KEY UPDATE OF campaigns SKIP LOCKED
       FOR UPDATE OF campaign_chunks SKIP LOCKED
), served AS (
    UPDATE campaigns SET served_at = clock_timestamp() FROM candidate WHERE campaigns.id = candidate.campaign_id
)
{_TAKE}
"""

# Where every campaign with a chunk is locked, by its planning for example, a chunk is claimed all the same. Only the
# campaign's turn is not noted.
_CLAIM_OF_LOCKED: Final = f"""
{_CANDIDATE}
       FOR UPDATE OF campaign_chunks SKIP LOCKED
)
{_TAKE}
"""

_PENDING: Final = """
SELECT id, customer_id
  FROM outbound_messages
 WHERE campaign_id = %(campaign_id)s
   AND customer_id BETWEEN %(first_customer_id)s AND %(last_customer_id)s
   AND status = 'pending' AND next_attempt_at IS NULL AND (claimed_until IS NULL OR claimed_until < now())
 ORDER BY id
"""

_PUBLISHED: Final = """
UPDATE campaign_chunks
   SET check_at = now() + make_interval(secs => %(lease_seconds)s), claimed_until = NULL,
       published_at = %(claimed_at)s
 WHERE id = %(id)s AND claimed_until = %(claimed_until)s
"""

_RELEASE: Final = (
    "UPDATE campaign_chunks SET claimed_until = NULL WHERE id = %(id)s AND claimed_until = %(claimed_until)s"
)

# What was published a lease ago should be finished. Where it is, the chunk's work is done. A pending message that no
# worker holds has lost its job, unless the job still waits in the queue: there it is once the queue has not been
# delivered as far as the moment of publishing. Then the chunk goes back to be published again.
_SWEEP: Final = """
WITH overdue AS (
    SELECT campaign_chunks.id, campaign_chunks.campaign_id, first_customer_id, last_customer_id,
           COALESCE(published_at + make_interval(secs => %(margin_seconds)s) <= progress.delivered_up_to,
                    published_at IS NULL) AS delivered
      FROM campaign_chunks
      JOIN campaigns ON campaigns.id = campaign_chunks.campaign_id AND campaigns.status = 'sending'
      LEFT JOIN queue_progress AS progress
        ON progress.queue = %(queues)s::jsonb ->> campaigns.channel
     WHERE check_at <= now()
     ORDER BY check_at
     LIMIT %(limit)s
       FOR UPDATE OF campaign_chunks SKIP LOCKED
), checked AS (
    SELECT overdue.id, rows.unfinished, rows.lost
      FROM overdue
     CROSS JOIN LATERAL (
           SELECT count(*) AS unfinished,
                  count(*) FILTER (WHERE next_attempt_at IS NULL AND (claimed_until IS NULL OR claimed_until < now())
                                     AND overdue.delivered
                                     AND m.updated_at < now() - make_interval(secs => %(lease_seconds)s))
                  AS lost
             FROM outbound_messages AS m
            WHERE m.campaign_id = overdue.campaign_id
              AND m.customer_id BETWEEN overdue.first_customer_id AND overdue.last_customer_id
              AND (m.status = 'pending' OR (m.status = 'failed' AND m.next_attempt_at IS NOT NULL))
           ) AS rows
), finished AS (
    DELETE FROM campaign_chunks USING checked WHERE campaign_chunks.id = checked.id AND checked.unfinished = 0
), unfinished AS (
    UPDATE campaign_chunks
       SET check_at = CASE WHEN checked.lost = 0 THEN now() + make_interval(secs => %(again_seconds)s) END
      FROM checked
     WHERE campaign_chunks.id = checked.id AND checked.unfinished > 0
)
SELECT COALESCE(sum(lost), 0)::bigint FROM checked
"""

SWEPT_AT_A_TIME: Final = 20

_MARGIN_SECONDS: Final = 2.0
"""Jobs carry their time in whole seconds, and several dispatchers publish side by side."""


async def claim_chunk(
    connection: Connection, lease_seconds: float, channels: Sequence[Channel] = tuple(Channel)
) -> ClaimedChunk | None:
    """Claim the next chunk to publish of a campaign in one of the channels; null where nothing waits."""
    parameters = {"lease_seconds": lease_seconds, "channels": list(channels), "known_format": KNOWN_FORMAT}
    async with connection.cursor(row_factory=class_row(ClaimedChunk)) as cursor:
        for statement in (_CLAIM, _CLAIM_OF_LOCKED):
            await cursor.execute(statement, parameters)
            if (chunk := await cursor.fetchone()) is not None:
                return chunk
    return None


async def pending_jobs(connection: Connection, chunk: ClaimedChunk) -> list[MessageJob]:
    """The jobs of the chunk's messages that wait for nothing else and that nobody holds."""
    cursor = await connection.execute(
        _PENDING,
        {
            "campaign_id": chunk.campaign_id,
            "first_customer_id": chunk.first_customer_id,
            "last_customer_id": chunk.last_customer_id,
        },
    )
    rows = await cursor.fetchall()
    return [MessageJob(message_id=row[0], campaign_id=chunk.campaign_id, customer_id=row[1]) for row in rows]


async def mark_published(connection: Connection, chunk: ClaimedChunk, lease_seconds: float) -> None:
    """Say that every job of the chunk was confirmed; does nothing where the lease went to somebody else."""
    await connection.execute(
        _PUBLISHED,
        {
            "id": chunk.id,
            "claimed_until": chunk.claimed_until,
            "claimed_at": chunk.claimed_at,
            "lease_seconds": lease_seconds,
        },
    )


async def release_chunk(connection: Connection, chunk: ClaimedChunk) -> None:
    """Give a chunk back that could not be published."""
    await connection.execute(_RELEASE, {"id": chunk.id, "claimed_until": chunk.claimed_until})


async def sweep_chunks(
    connection: Connection, *, again_seconds: float, lease_seconds: float, queues: Mapping[Channel, str]
) -> int:
    """Check the chunks that were published a lease ago; how many messages were found without a job.

    Args:
        connection: Where to look.
        again_seconds: When to check a chunk again whose messages are on their way.
        lease_seconds: How long a worker may hold a job or a message without a sign.
        queues: The queue of each channel.
    """
    cursor = await connection.execute(
        _SWEEP,
        {
            "limit": SWEPT_AT_A_TIME,
            "again_seconds": again_seconds,
            "lease_seconds": lease_seconds,
            "margin_seconds": _MARGIN_SECONDS,
            "queues": Jsonb({str(channel): queue for channel, queue in queues.items()}),
        },
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 an aggregate always gives a row
    return int(row[0])
