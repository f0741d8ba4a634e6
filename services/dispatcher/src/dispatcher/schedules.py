"""Starts scheduled campaigns that are due."""

from typing import Final

import psycopg

from dispatcher.troubles import CampaignTroubles
from leopard.audiences.model import Audience
from leopard.audiences.selection import UNUSABLE_AUDIENCE, audience_problem
from leopard.audiences.snapshot import begin_audience_send
from leopard.db.failures import fail_scheduled, fail_unplanned
from leopard.db.pool import Connection
from leopard.db.transitions import move_campaign
from leopard.domain.formats import KNOWN_FORMAT
from leopard.domain.statuses import CampaignStatus
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

START: Final = "start scheduled campaigns"

NOBODY: Final = "no customer is in the audience, or all are in the hold-out"

# A campaign without an audience waits for a send request that names its customers.
_SELECT_DUE: Final = """
SELECT id, audience
  FROM campaigns
 WHERE status = 'scheduled' AND scheduled_at <= now() AND audience IS NOT NULL AND format <= %(known_format)s
   AND NOT id = ANY(%(excluded)s)
 ORDER BY scheduled_at
 LIMIT 1
   FOR NO KEY UPDATE SKIP LOCKED
"""


async def start_due_campaign(
    connection: Connection, chunk_size: int, troubles: CampaignTroubles | None = None
) -> int | None:
    """Start one due campaign; returns its id, or None if none is due.

    A campaign whose audience cannot be read fails with a reason. A campaign with another error is set aside for a
    while, and fails after several errors.

    Raises:
        psycopg.OperationalError: The database is unavailable.
    """
    troubles = troubles or CampaignTroubles()
    async with connection.transaction():
        cursor = await connection.execute(_SELECT_DUE, {"excluded": troubles.excluded(), "known_format": KNOWN_FORMAT})
        row = await cursor.fetchone()
        if row is None:
            return None
        campaign_id: int = row[0]
        try:
            async with connection.transaction():
                await _start(connection, campaign_id, row[1], chunk_size)
        except UNUSABLE_AUDIENCE as error:
            await _fail(connection, campaign_id, f"the audience cannot be read: {audience_problem(error)}")
        except psycopg.Error as error:
            if troubles.note(START, campaign_id, error):
                await _fail(connection, campaign_id, f"the campaign cannot be started: {type(error).__name__}")
                troubles.forget(campaign_id)
        else:
            troubles.forget(campaign_id)
            log.info("scheduled campaign started", campaign_id=campaign_id)
    return campaign_id


async def _start(connection: Connection, campaign_id: int, audience: object, chunk_size: int) -> None:
    parsed = Audience.model_validate(audience)
    await move_campaign(connection, campaign_id, CampaignStatus.SENDING, only_from={CampaignStatus.SCHEDULED})
    if await begin_audience_send(connection, campaign_id, parsed, chunk_size=chunk_size) == 0:
        # completion ends it; a send request would be refused with this reason
        await fail_unplanned(connection, campaign_id, NOBODY)


async def _fail(connection: Connection, campaign_id: int, reason: str) -> None:
    await fail_scheduled(connection, campaign_id, reason)
    log.error("campaign failed", campaign_id=campaign_id, reason=reason)
