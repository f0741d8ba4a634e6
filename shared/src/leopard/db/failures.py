"""Fails whole campaigns, with a reason that the API shows."""

from typing import Final

from leopard.db.counts import WRITER_SHARD, adding
from leopard.db.pool import Connection

_FAIL_SCHEDULED: Final = """
UPDATE campaigns
   SET status = 'failed', failure_reason = %(reason)s, updated_at = now()
 WHERE id = %(campaign_id)s AND status = 'scheduled'
"""

_COUNT_UNPLANNED: Final = adding(
    ("total", "failed"), f"SELECT id, {WRITER_SHARD}, audience_unplanned, audience_unplanned FROM campaign"
)

# Recipients without a row count as failed. Planned messages are still sent; then the campaign fails.
_FAIL_UNPLANNED: Final = f"""
WITH campaign AS (
    SELECT id, audience_unplanned
      FROM campaigns
     WHERE id = %(campaign_id)s AND status = 'sending'
       FOR NO KEY UPDATE
), dropped AS (
    DELETE FROM postponed_recipients USING campaign WHERE campaign_id = campaign.id
), forgotten AS (
    DELETE FROM audience_recipients USING campaign WHERE campaign_id = campaign.id
), counted AS (
    {_COUNT_UNPLANNED}
)
UPDATE campaigns
   SET failure_reason = %(reason)s, audience_unplanned = 0, audience_planned_to = COALESCE(audience_last_id, 0),
       updated_at = now()
  FROM campaign
 WHERE campaigns.id = campaign.id
"""


async def fail_scheduled(connection: Connection, campaign_id: int, reason: str) -> None:
    """Fail a scheduled campaign that cannot be started."""
    await connection.execute(_FAIL_SCHEDULED, {"campaign_id": campaign_id, "reason": reason})


async def fail_unplanned(connection: Connection, campaign_id: int, reason: str) -> None:
    """Fail a campaign whose audience cannot be planned any further."""
    await connection.execute(_FAIL_UNPLANNED, {"campaign_id": campaign_id, "reason": reason})
