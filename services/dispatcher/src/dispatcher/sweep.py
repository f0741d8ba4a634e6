"""The sweep: finds messages whose jobs were lost, and drops chunks whose messages are finished."""

from collections.abc import Mapping
from typing import Final

from psycopg.types.json import Jsonb

from leopard.db.chunks import DUE_FOR_CHECK
from leopard.db.message_states import NOT_HELD, UNFINISHED
from leopard.db.pool import Connection
from leopard.domain.formats import PERSONALIZED_FORMAT
from leopard.domain.statuses import Channel

# A chunk that was published a lease ago should be finished. If so, it is deleted. Otherwise a pending message that no
# worker holds has lost its job, unless the job still waits in the queue. It still waits if the queue has not been
# delivered up to the time of publishing. A chunk with lost jobs is published again.
_SWEEP: Final = f"""
WITH overdue AS (
    SELECT campaign_chunks.id, campaign_chunks.campaign_id, first_customer_id, last_customer_id,
           COALESCE(published_at + make_interval(secs => %(margin_seconds)s) <= progress.delivered_up_to,
                    published_at IS NULL) AS delivered
      FROM campaign_chunks
      JOIN campaigns ON campaigns.id = campaign_chunks.campaign_id AND campaigns.status = 'sending'
      LEFT JOIN queue_progress AS progress
        ON progress.queue = %(queues)s::jsonb -> (campaigns.format >= {PERSONALIZED_FORMAT})::text ->> campaigns.channel
     WHERE {DUE_FOR_CHECK}
     ORDER BY check_at
     LIMIT %(limit)s
       FOR UPDATE OF campaign_chunks SKIP LOCKED
), checked AS (
    SELECT overdue.id, rows.unfinished, rows.lost
      FROM overdue
     CROSS JOIN LATERAL (
           SELECT count(*) AS unfinished,
                  count(*) FILTER (WHERE m.next_attempt_at IS NULL AND {NOT_HELD}
                                     AND overdue.delivered
                                     AND m.updated_at < now() - make_interval(secs => %(lease_seconds)s))
                  AS lost
             FROM outbound_messages AS m
            WHERE m.campaign_id = overdue.campaign_id
              AND m.customer_id BETWEEN overdue.first_customer_id AND overdue.last_customer_id
              AND {UNFINISHED}
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
"""Timestamps of jobs are in whole seconds, and several dispatchers publish concurrently."""


async def sweep_chunks(
    connection: Connection,
    *,
    again_seconds: float,
    lease_seconds: float,
    queues: Mapping[Channel, str],
    personalized_queues: Mapping[Channel, str],
) -> int:
    """Check the chunks that were published a lease ago; returns the number of messages without a job.

    Args:
        connection: A connection to the database.
        again_seconds: When to check a chunk again that has unfinished messages but no lost jobs.
        lease_seconds: How long a worker may hold a job or a message without a report.
        queues: The queue of each channel.
        personalized_queues: The queue of each channel for personalized campaigns.
    """
    cursor = await connection.execute(
        _SWEEP,
        {
            "limit": SWEPT_AT_A_TIME,
            "again_seconds": again_seconds,
            "lease_seconds": lease_seconds,
            "margin_seconds": _MARGIN_SECONDS,
            "queues": Jsonb({"false": dict(queues), "true": dict(personalized_queues)}),
        },
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 an aggregate always gives a row
    return int(row[0])
