"""Planning: writes the message rows and chunks of audiences. Publishes no jobs.

The API writes the rows of a send to named customers. For an audience the send stores the ids of its recipients, and
their rows are written here, one chunk at a time, in the order of the ids. A recipient whose customer is locked by
another transaction is postponed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.rows import class_row

from dispatcher.message_rows import WRITE_RECIPIENTS
from dispatcher.metrics import MESSAGES_CREATED
from dispatcher.troubles import CampaignTroubles
from dispatcher.unfixed_audiences import plan_unfixed
from leopard.audiences.selection import UNUSABLE_AUDIENCE, audience_problem
from leopard.db.chunks import TO_PUBLISH
from leopard.db.failures import fail_unplanned
from leopard.db.pool import Connection
from leopard.domain.formats import KNOWN_FORMATS, Formats
from leopard.domain.statuses import Channel
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

PLAN: Final = "plan chunks"


@dataclass(frozen=True, slots=True)
class _Unplanned:
    """A campaign whose recipients after `planned_to` have no rows yet."""

    id: int
    audience: Any
    last_id: int
    planned_to: int
    fixed: bool
    """The send has stored the ids of the recipients."""


# Selects the campaign served longest ago among those that are not completely planned. NO KEY UPDATE does not block
# workers and requests that reference the campaign.
_SELECT_UNPLANNED: Final = f"""
SELECT id, audience, audience_last_id AS last_id, audience_planned_to AS planned_to,
       EXISTS (SELECT FROM audience_recipients WHERE campaign_id = campaigns.id) AS fixed
  FROM campaigns
 WHERE status = 'sending' AND channel = ANY(%(channels)s) AND format BETWEEN %(lowest)s AND %(highest)s
   AND NOT id = ANY(%(excluded)s)
   AND audience IS NOT NULL AND audience_planned_to < audience_last_id
   AND NOT EXISTS (SELECT FROM campaign_chunks
                    WHERE campaign_chunks.campaign_id = campaigns.id AND {TO_PUBLISH})
 ORDER BY served_at NULLS FIRST, id
 LIMIT 1
   FOR NO KEY UPDATE SKIP LOCKED
"""

# The ids of one stored row, up to the size of a chunk. A customer who was deleted since the send is subtracted from the
# total. The row is deleted with its last id.
_PLAN: Final = f"""
WITH stored AS (
    SELECT customer_ids
      FROM audience_recipients
     WHERE campaign_id = %(campaign_id)s AND last_id > %(planned_to)s
     ORDER BY last_id
     LIMIT 1
), listed AS MATERIALIZED (
    SELECT customer_id
      FROM stored
     CROSS JOIN LATERAL unnest(customer_ids) AS customer_id
     WHERE customer_id > %(planned_to)s
     ORDER BY customer_id
     LIMIT %(chunk_size)s
), recipients AS MATERIALIZED (
    SELECT customers.id
      FROM customers
     WHERE customers.id IN (SELECT customer_id FROM listed)
), {WRITE_RECIPIENTS}, reached AS (
    SELECT max(customer_id) AS planned_to, count(*) AS listed, (SELECT count(*) FROM postponed) AS postponed,
           (SELECT count(*) FROM written) AS written
      FROM listed
), used AS (
    DELETE FROM audience_recipients
     USING reached
     WHERE campaign_id = %(campaign_id)s AND last_id > %(planned_to)s AND last_id <= reached.planned_to
)
UPDATE campaigns
   SET audience_planned_to = reached.planned_to,
       audience_unplanned = GREATEST(audience_unplanned - reached.listed + reached.postponed, 0)
  FROM reached
 WHERE campaigns.id = %(campaign_id)s
RETURNING reached.written
"""


async def plan_next_chunk(
    connection: Connection,
    chunk_size: int,
    channels: Sequence[Channel] = tuple(Channel),
    troubles: CampaignTroubles | None = None,
    formats: Formats = KNOWN_FORMATS,
) -> bool:
    """Write one chunk of the audience served longest ago; False if no audience needs planning.

    A campaign whose audience cannot be read fails with a reason. A campaign with another error is set aside.

    Raises:
        psycopg.OperationalError: The database is unavailable.
    """
    troubles = troubles or CampaignTroubles()
    async with connection.transaction():
        campaign = await _next_unplanned(connection, channels, formats, troubles.excluded())
        if campaign is None:
            return False
        try:
            # a savepoint: after an error the campaign stays locked, and is set aside or failed below
            async with connection.transaction():
                MESSAGES_CREATED.inc(await _plan(connection, campaign, chunk_size))
        except UNUSABLE_AUDIENCE as error:
            await _fail(connection, campaign.id, f"the audience cannot be read: {audience_problem(error)}")
        except psycopg.Error as error:
            if troubles.note(PLAN, campaign.id, error):
                await _fail(connection, campaign.id, f"the audience cannot be planned: {type(error).__name__}")
                troubles.forget(campaign.id)
        else:
            troubles.forget(campaign.id)
    return True


async def _next_unplanned(
    connection: Connection, channels: Sequence[Channel], formats: Formats, excluded: list[int]
) -> _Unplanned | None:
    async with connection.cursor(row_factory=class_row(_Unplanned)) as cursor:
        parameters = {"channels": list(channels), "excluded": excluded, **formats._asdict()}
        await cursor.execute(_SELECT_UNPLANNED, parameters)
        return await cursor.fetchone()


async def _plan(connection: Connection, campaign: _Unplanned, chunk_size: int) -> int:
    if not campaign.fixed:
        return await plan_unfixed(
            connection,
            campaign.id,
            campaign.audience,
            planned_to=campaign.planned_to,
            last_id=campaign.last_id,
            chunk_size=chunk_size,
        )
    parameters = {"campaign_id": campaign.id, "planned_to": campaign.planned_to, "chunk_size": chunk_size}
    cursor = await connection.execute(_PLAN, parameters)
    row = await cursor.fetchone()
    return row[0] if row is not None else 0


async def _fail(connection: Connection, campaign_id: int, reason: str) -> None:
    await fail_unplanned(connection, campaign_id, reason)
    log.error("campaign failed", campaign_id=campaign_id, reason=reason)
