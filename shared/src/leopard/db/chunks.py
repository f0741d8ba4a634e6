"""Chunks: the states of a chunk, and the statements that claim, publish, recheck and drop chunks.

A chunk is a range of a campaign's customers whose message rows are written. It has no status column. Two times define
its state:

to publish    check_at is null and no claim is in force
claimed       check_at is null and claimed_until is in the future: a dispatcher publishes its jobs
published     check_at is set: the sweep checks it then, and deletes it once all its messages are finished

A dispatcher that dies leaves a claim that ends by itself. The next dispatcher publishes the same jobs again. Workers
claim each message before they send it, so an extra job does no harm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from leopard.db.pool import Connection
from leopard.domain.formats import KNOWN_FORMATS, Formats
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


TO_PUBLISH: Final = (
    "(campaign_chunks.check_at IS NULL"
    " AND (campaign_chunks.claimed_until IS NULL OR campaign_chunks.claimed_until < now()))"
)
"""The chunk's jobs are not published, and no dispatcher holds the chunk."""

DUE_FOR_CHECK: Final = "(campaign_chunks.check_at <= now())"
"""It is time to check whether the messages of a published chunk are finished."""

_SELECT_CANDIDATE: Final = f"""
WITH candidate AS (
    SELECT campaign_chunks.id, campaign_chunks.campaign_id, campaigns.traceparent
      FROM campaign_chunks
      JOIN campaigns ON campaigns.id = campaign_chunks.campaign_id AND campaigns.status = 'sending'
     WHERE {TO_PUBLISH}
       AND campaigns.channel = ANY(%(channels)s) AND campaigns.format BETWEEN %(lowest)s AND %(highest)s
     ORDER BY campaigns.served_at NULLS FIRST, campaign_chunks.id
     LIMIT 1
"""

_CLAIM_CANDIDATE: Final = """
UPDATE campaign_chunks
   SET claimed_until = now() + make_interval(secs => %(lease_seconds)s)
  FROM candidate
 WHERE campaign_chunks.id = candidate.id
RETURNING campaign_chunks.id, campaign_chunks.campaign_id, first_customer_id, last_customer_id, claimed_until,
          now() AS claimed_at, candidate.traceparent
"""

# The campaign served longest ago is first, so that a small campaign does not wait for one with millions of messages. A
# claim waits for no lock: it skips a chunk if another transaction has locked it or its campaign (docs/adr/0017).
_CLAIM: Final = f"""
{_SELECT_CANDIDATE}
       FOR NO KEY UPDATE OF campaigns SKIP LOCKED
       FOR UPDATE OF campaign_chunks SKIP LOCKED
), served AS (
    UPDATE campaigns SET served_at = clock_timestamp() FROM candidate WHERE campaigns.id = candidate.campaign_id
)
{_CLAIM_CANDIDATE}
"""

# If every campaign with a chunk is locked, for example by planning, a chunk is still claimed. Only `served_at` of its
# campaign is not updated.
_CLAIM_OF_LOCKED_CAMPAIGN: Final = f"""
{_SELECT_CANDIDATE}
       FOR UPDATE OF campaign_chunks SKIP LOCKED
)
{_CLAIM_CANDIDATE}
"""

_MARK_PUBLISHED: Final = """
UPDATE campaign_chunks
   SET check_at = now() + make_interval(secs => %(lease_seconds)s), claimed_until = NULL,
       published_at = %(claimed_at)s
 WHERE id = %(id)s AND claimed_until = %(claimed_until)s
"""

_RELEASE: Final = (
    "UPDATE campaign_chunks SET claimed_until = NULL WHERE id = %(id)s AND claimed_until = %(claimed_until)s"
)

_LOCK_CHUNKS: Final = """
WITH locked AS (
    SELECT id FROM campaign_chunks WHERE campaign_id = %(campaign_id)s ORDER BY id FOR UPDATE
)
"""

_REPUBLISH_CHUNKS: Final = f"""
{_LOCK_CHUNKS}
UPDATE campaign_chunks SET check_at = NULL, claimed_until = NULL FROM locked WHERE campaign_chunks.id = locked.id
"""

_RECHECK_CHUNKS: Final = f"""
{_LOCK_CHUNKS}
UPDATE campaign_chunks SET check_at = now(), claimed_until = NULL FROM locked WHERE campaign_chunks.id = locked.id
"""

_DROP_CHUNKS: Final = f"{_LOCK_CHUNKS} DELETE FROM campaign_chunks USING locked WHERE campaign_chunks.id = locked.id"


async def claim_chunk(
    connection: Connection,
    lease_seconds: float,
    channels: Sequence[Channel] = tuple(Channel),
    formats: Formats = KNOWN_FORMATS,
) -> ClaimedChunk | None:
    """Claim the next chunk to publish of a campaign with one of the channels and formats; None if there is none."""
    parameters = {"lease_seconds": lease_seconds, "channels": list(channels), **formats._asdict()}
    async with connection.cursor(row_factory=class_row(ClaimedChunk)) as cursor:
        for statement in (_CLAIM, _CLAIM_OF_LOCKED_CAMPAIGN):
            await cursor.execute(statement, parameters)
            if (chunk := await cursor.fetchone()) is not None:
                return chunk
    return None


async def mark_published(connection: Connection, chunk: ClaimedChunk, lease_seconds: float) -> None:
    """Record that all jobs of the chunk were confirmed. Does nothing if another dispatcher holds the chunk now."""
    await connection.execute(
        _MARK_PUBLISHED,
        {
            "id": chunk.id,
            "claimed_until": chunk.claimed_until,
            "claimed_at": chunk.claimed_at,
            "lease_seconds": lease_seconds,
        },
    )


async def release_chunk(connection: Connection, chunk: ClaimedChunk) -> None:
    """Release a chunk that could not be published."""
    await connection.execute(_RELEASE, {"id": chunk.id, "claimed_until": chunk.claimed_until})


async def republish_chunks(connection: Connection, campaign_id: int) -> None:
    """Let dispatchers publish every chunk of a campaign again."""
    await connection.execute(_REPUBLISH_CHUNKS, {"campaign_id": campaign_id})


async def recheck_chunks(connection: Connection, campaign_id: int) -> None:
    """Let dispatchers check every chunk of a campaign now, whatever its state."""
    await connection.execute(_RECHECK_CHUNKS, {"campaign_id": campaign_id})


async def drop_chunks(connection: Connection, campaign_id: int) -> None:
    """Drop every chunk of a finished campaign."""
    await connection.execute(_DROP_CHUNKS, {"campaign_id": campaign_id})
