"""Campaigns whose messages are all finished: `sent`, or `failed` where not one was sent."""

from typing import Final

from leopard.db.pool import Connection
from leopard.db.transitions import move_campaign
from leopard.domain.statuses import CampaignStatus
from leopard.logs import get_logger

log = get_logger(__name__)

# Counts that do not add up while no chunk is left are wrong (no chunk means that its rows were seen finished): they
# are then taken from the rows.
_COUNTED: Final = """
SELECT campaigns.id, CASE WHEN failure_reason IS NULL THEN counts.sent ELSE 0 END AS sent,
       counts.total = counts.sent + counts.failed AS all_finished
  FROM campaigns
 CROSS JOIN LATERAL (
       SELECT COALESCE(sum(total), 0) AS total, COALESCE(sum(sent), 0) AS sent, COALESCE(sum(failed), 0) AS failed
         FROM campaign_counts
        WHERE campaign_id = campaigns.id
       ) AS counts
 WHERE status = 'sending' AND (audience IS NULL OR audience_planned_to >= audience_last_id)
   AND NOT EXISTS (SELECT FROM postponed_recipients WHERE campaign_id = campaigns.id)
   AND (counts.total = counts.sent + counts.failed
        OR NOT EXISTS (SELECT FROM campaign_chunks WHERE campaign_id = campaigns.id))
"""

_LOCK: Final = """
SELECT FROM campaigns WHERE id = %(campaign_id)s AND status = 'sending' FOR NO KEY UPDATE SKIP LOCKED
"""

_LOCK_COUNTS: Final = """
SELECT FROM campaign_counts WHERE campaign_id = %(campaign_id)s ORDER BY shard FOR UPDATE
"""

_RECOUNT: Final = """
WITH cleared AS (
    DELETE FROM campaign_counts WHERE campaign_id = %(campaign_id)s AND shard <> 0
), counted AS (
    SELECT count(*) AS total, count(*) FILTER (WHERE status = 'sent') AS sent,
           count(*) FILTER (WHERE status = 'failed' AND next_attempt_at IS NULL) AS failed
      FROM outbound_messages
     WHERE campaign_id = %(campaign_id)s
)
INSERT INTO campaign_counts AS counts (campaign_id, shard, total, sent, failed)
SELECT %(campaign_id)s, 0, total, sent, failed FROM counted
    ON CONFLICT (campaign_id, shard) DO UPDATE
   SET total = excluded.total, sent = excluded.sent, failed = excluded.failed
"""

_DROP_CHUNKS: Final = """
WITH locked AS (
    SELECT id FROM campaign_chunks WHERE campaign_id = %(campaign_id)s ORDER BY id FOR UPDATE
)
DELETE FROM campaign_chunks USING locked WHERE campaign_chunks.id = locked.id
"""


async def finish_campaigns(connection: Connection) -> list[int]:
    """Finish every campaign that has nothing left to do; their ids."""
    cursor = await connection.execute(_COUNTED)
    finished: list[int] = []
    for campaign_id, sent, all_finished in await cursor.fetchall():
        async with connection.transaction():
            # a campaign that is locked, by a control for example, is left to the next look
            if (await connection.execute(_LOCK, {"campaign_id": campaign_id})).rowcount == 0:
                continue
            if not all_finished:
                log.error("counts were wrong and are taken from the messages", campaign_id=campaign_id)
                await connection.execute(_LOCK_COUNTS, {"campaign_id": campaign_id})
                await connection.execute(_RECOUNT, {"campaign_id": campaign_id})
                continue
            target = CampaignStatus.SENT if sent > 0 else CampaignStatus.FAILED
            if await move_campaign(connection, campaign_id, target):
                await connection.execute(_DROP_CHUNKS, {"campaign_id": campaign_id})
                finished.append(campaign_id)
    return finished
