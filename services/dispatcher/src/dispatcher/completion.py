"""Finishes campaigns whose messages are all finished: `sent`, or `failed` if no message was sent."""

from typing import Final

import psycopg

from dispatcher.troubles import CampaignTroubles
from leopard.db.chunks import drop_chunks
from leopard.db.counts import WRITER_SHARD, adding, shard_of, sum_of_counts, sums_of_variants
from leopard.db.message_states import FAILED_FOR_GOOD
from leopard.db.pool import Connection
from leopard.db.transitions import move_campaign
from leopard.domain.statuses import CampaignStatus
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

RECOUNTED: Final = "campaign counts did not match its messages, recounted"
"""The event that is logged for a campaign whose counts were wrong."""

FINISH: Final = "finish campaigns"
FINISHED_AT_A_TIME: Final = 200

# A chunk is deleted only when all its messages are finished. So if no chunk is left and the counts still do not add up,
# the counts are wrong, and they are computed again from the messages.
_SELECT_FINISHED: Final = f"""
SELECT campaigns.id, CASE WHEN failure_reason IS NULL THEN counts.sent ELSE 0 END AS sent,
       counts.total = counts.sent + counts.failed AS all_finished
  FROM campaigns
 CROSS JOIN LATERAL (
       {sum_of_counts("campaigns.id")}
       ) AS counts
 WHERE status = 'sending' AND (audience IS NULL OR audience_planned_to >= audience_last_id)
   AND NOT id = ANY(%(excluded)s)
   AND NOT EXISTS (SELECT FROM postponed_recipients WHERE campaign_id = campaigns.id)
   AND (counts.total = counts.sent + counts.failed
        OR NOT EXISTS (SELECT FROM campaign_chunks WHERE campaign_id = campaigns.id))
 ORDER BY id
 LIMIT %(limit)s
"""

_LOCK: Final = """
SELECT FROM campaigns WHERE id = %(campaign_id)s AND status = 'sending' FOR NO KEY UPDATE SKIP LOCKED
"""

_LOCK_COUNTS: Final = """
SELECT FROM campaign_counts WHERE campaign_id = %(campaign_id)s ORDER BY shard FOR UPDATE
"""

_ADD_DIFFERENCE: Final = adding(
    ("total", "sent", "failed"),
    f"""
    SELECT %(campaign_id)s, {shard_of("variant", WRITER_SHARD)}, found.total + without_row.failed - counted.total,
           found.sent - counted.sent, found.failed + without_row.failed - counted.failed
      FROM counted
      JOIN found USING (variant)
      JOIN without_row USING (variant)
     ORDER BY 2
    """,
)

# Only the differences are added, because retries and unknown outcomes exist only in the counts. A campaign that failed
# as a whole has recipients without a row, which count as failed, and have no variant.
_RECOUNT: Final = f"""
WITH numbers AS (
    SELECT generate_series(0, COALESCE(cardinality(variant_bounds), 0)) AS variant, failure_reason
      FROM campaigns
     WHERE id = %(campaign_id)s
), counted AS (
    SELECT variant, COALESCE(sums.total, 0) AS total, COALESCE(sums.sent, 0) AS sent, COALESCE(sums.failed, 0) AS failed
      FROM numbers
      LEFT JOIN ({sums_of_variants("%(campaign_id)s")}) AS sums USING (variant)
), found AS (
    SELECT numbers.variant, count(m.id) AS total, count(*) FILTER (WHERE m.status = 'sent') AS sent,
           count(*) FILTER (WHERE {FAILED_FOR_GOOD}) AS failed
      FROM numbers
      LEFT JOIN outbound_messages AS m ON m.campaign_id = %(campaign_id)s AND COALESCE(m.variant, 0) = numbers.variant
     GROUP BY numbers.variant
), without_row AS (
    SELECT variant,
           CASE WHEN failure_reason IS NULL OR variant > 0 THEN 0 ELSE GREATEST(counted.total - found.total, 0) END
           AS failed
      FROM numbers
      JOIN counted USING (variant)
      JOIN found USING (variant)
)
{_ADD_DIFFERENCE}
"""


async def finish_campaigns(connection: Connection, troubles: CampaignTroubles | None = None) -> list[int]:
    """Finish at most `FINISHED_AT_A_TIME` campaigns whose messages are all finished; returns their ids.

    A locked campaign is left to the next call. A campaign with an error is set aside for a while.

    Raises:
        psycopg.OperationalError: The database is unavailable.
    """
    troubles = troubles or CampaignTroubles()
    parameters = {"excluded": troubles.excluded(), "limit": FINISHED_AT_A_TIME}
    cursor = await connection.execute(_SELECT_FINISHED, parameters)
    finished: list[int] = []
    for campaign_id, sent, all_finished in await cursor.fetchall():
        target = CampaignStatus.SENT if sent > 0 else CampaignStatus.FAILED
        try:
            async with connection.transaction():
                if await _finish(connection, campaign_id, target if all_finished else None):
                    finished.append(campaign_id)
        except psycopg.Error as error:
            troubles.note(FINISH, campaign_id, error)
        else:
            troubles.forget(campaign_id)
    return finished


async def _finish(connection: Connection, campaign_id: int, target: CampaignStatus | None) -> bool:
    # a locked campaign, for example during a pause request, must not delay the others
    if (await connection.execute(_LOCK, {"campaign_id": campaign_id})).rowcount == 0:
        return False
    if target is None:
        log.error(RECOUNTED, campaign_id=campaign_id)
        await connection.execute(_LOCK_COUNTS, {"campaign_id": campaign_id})
        await connection.execute(_RECOUNT, {"campaign_id": campaign_id})
        return False
    if not await move_campaign(connection, campaign_id, target):
        return False
    await drop_chunks(connection, campaign_id)
    return True
