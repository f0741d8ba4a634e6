"""Scheduled campaigns: started when their time has come."""

from typing import Final

from leopard.audiences import Audience
from leopard.db.audiences import begin_audience_send
from leopard.db.pool import Connection
from leopard.db.transitions import move_campaign
from leopard.domain.statuses import CampaignStatus

# One without an audience waits for a send that names its customers.
_DUE: Final = """
SELECT id, audience
  FROM campaigns
 WHERE status = 'scheduled' AND scheduled_at <= now() AND audience IS NOT NULL
 ORDER BY scheduled_at
 LIMIT 1
   FOR UPDATE SKIP LOCKED
"""


async def start_due_campaign(connection: Connection) -> int | None:
    """Start one campaign whose time has come; its id, or null where none is due."""
    async with connection.transaction():
        cursor = await connection.execute(_DUE)
        row = await cursor.fetchone()
        if row is None:
            return None
        campaign_id: int = row[0]
        await move_campaign(connection, campaign_id, CampaignStatus.SENDING, only_from={CampaignStatus.SCHEDULED})
        await begin_audience_send(connection, campaign_id, Audience.model_validate(row[1]))
        return campaign_id
