"""Due retries: makes messages pending again, and returns their jobs."""

from collections.abc import Sequence
from typing import Final

from leopard.broker.jobs import MessageJob
from leopard.db.pool import Connection
from leopard.domain.formats import KNOWN_FORMATS, Formats
from leopard.domain.statuses import Channel

# If the jobs are lost between this statement and the broker, the sweep finds the messages.
_RELEASE: Final = """
WITH due AS (
    SELECT m.id
      FROM outbound_messages AS m
      JOIN campaigns ON campaigns.id = m.campaign_id AND campaigns.status = 'sending'
                 AND campaigns.channel = ANY(%(channels)s) AND campaigns.format BETWEEN %(lowest)s AND %(highest)s
     WHERE m.next_attempt_at <= now()
     ORDER BY m.next_attempt_at
     LIMIT %(limit)s
       FOR UPDATE OF m SKIP LOCKED
)
UPDATE outbound_messages AS m
   SET status = 'pending', next_attempt_at = NULL, updated_at = now()
  FROM due
 WHERE m.id = due.id
RETURNING m.id, m.campaign_id, m.customer_id
"""


async def release_due(
    connection: Connection,
    limit: int,
    channels: Sequence[Channel] = tuple(Channel),
    formats: Formats = KNOWN_FORMATS,
) -> list[MessageJob]:
    """Make at most `limit` due messages pending again; returns the jobs to publish."""
    cursor = await connection.execute(_RELEASE, {"limit": limit, "channels": list(channels), **formats._asdict()})
    rows = await cursor.fetchall()
    return [MessageJob(message_id=row[0], campaign_id=row[1], customer_id=row[2]) for row in rows]
