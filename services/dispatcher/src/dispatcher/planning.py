"""Planning: writes the message rows and chunks of audiences. Publishes no jobs.

The API writes the rows of a send to named customers. The rows of an audience are written here, one chunk at a time, in
the order of the customers' ids. A recipient whose customer is locked by another transaction is postponed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.rows import class_row
from pydantic import ValidationError

from dispatcher.metrics import MESSAGES_CREATED
from dispatcher.troubles import CampaignTroubles
from leopard.audiences.model import Audience, first_problem
from leopard.audiences.snapshot import MATCHES, audience_parameters
from leopard.db.chunks import TO_PUBLISH
from leopard.db.counts import WRITER_SHARD, adding
from leopard.db.failures import fail_unplanned
from leopard.db.pool import Connection
from leopard.domain.formats import KNOWN_FORMAT
from leopard.domain.statuses import Channel
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

PLAN: Final = "plan chunks"
PLAN_POSTPONED: Final = "plan postponed recipients"


@dataclass(frozen=True, slots=True)
class _Unplanned:
    """A campaign whose recipients after `planned_to` have no rows yet."""

    id: int
    audience: Any
    last_id: int
    planned_to: int


# Selects the campaign served longest ago among those that are not completely planned. NO KEY UPDATE does not block
# workers and requests that reference the campaign.
_SELECT_UNPLANNED: Final = f"""
SELECT id, audience, audience_last_id AS last_id, audience_planned_to AS planned_to
  FROM campaigns
 WHERE status = 'sending' AND channel = ANY(%(channels)s) AND format <= %(known_format)s
   AND NOT id = ANY(%(excluded)s)
   AND audience IS NOT NULL AND audience_planned_to < audience_last_id
   AND NOT EXISTS (SELECT FROM campaign_chunks
                    WHERE campaign_chunks.campaign_id = campaigns.id AND {TO_PUBLISH})
 ORDER BY served_at NULLS FIRST, id
 LIMIT 1
   FOR NO KEY UPDATE SKIP LOCKED
"""

_COUNT_WRITTEN: Final = adding(
    ("total",), f"SELECT %(campaign_id)s, {WRITER_SHARD}, count(*) FROM written HAVING count(*) > 0"
)

# The key share lock keeps a customer until the foreign key is checked. Locked customers are skipped, because a wait for
# one would delay all others.
_PLAN: Final = f"""
WITH recipients AS MATERIALIZED (
    SELECT customers.id
      FROM customers
     WHERE customers.id > %(planned_to)s AND customers.id <= %(last_id)s AND {MATCHES}
     ORDER BY customers.id
     LIMIT %(chunk_size)s
), free AS MATERIALIZED (
    SELECT customers.id
      FROM customers
     WHERE customers.id IN (SELECT id FROM recipients)
     ORDER BY customers.id
       FOR KEY SHARE SKIP LOCKED
), written AS (
    INSERT INTO outbound_messages (campaign_id, customer_id)
    SELECT %(campaign_id)s, id FROM free
        ON CONFLICT (campaign_id, customer_id) DO NOTHING
    RETURNING customer_id
), postponed AS (
    INSERT INTO postponed_recipients (campaign_id, customer_id)
    SELECT %(campaign_id)s, id FROM recipients WHERE id NOT IN (SELECT id FROM free)
        ON CONFLICT DO NOTHING
    RETURNING customer_id
), counted AS (
    {_COUNT_WRITTEN}
), chunked AS (
    INSERT INTO campaign_chunks (campaign_id, first_customer_id, last_customer_id)
    SELECT %(campaign_id)s, min(customer_id), max(customer_id) FROM written HAVING count(*) > 0
), reached AS (
    SELECT CASE WHEN count(*) < %(chunk_size)s THEN %(last_id)s ELSE max(id) END AS planned_to,
           (SELECT count(*) FROM free) AS planned,
           (SELECT count(*) FROM postponed_recipients WHERE campaign_id = %(campaign_id)s)
               + (SELECT count(*) FROM postponed) AS postponed
      FROM recipients
)
UPDATE campaigns
   SET audience_planned_to = reached.planned_to,
       audience_unplanned = CASE WHEN reached.planned_to >= audience_last_id THEN reached.postponed
                                 ELSE GREATEST(audience_unplanned - reached.planned, 0) END
  FROM reached
 WHERE campaigns.id = %(campaign_id)s
RETURNING reached.planned
"""

_SELECT_POSTPONED: Final = """
SELECT id
  FROM campaigns
 WHERE status = 'sending' AND format <= %(known_format)s
   AND EXISTS (SELECT FROM postponed_recipients WHERE campaign_id = campaigns.id)
   AND NOT id = ANY(%(tried)s)
 ORDER BY id
 LIMIT 1
   FOR NO KEY UPDATE SKIP LOCKED
"""

# A customer that was deleted meanwhile gets no message, and is subtracted from the total. Each message gets a separate
# chunk, because other chunks cover the customers between them.
_PLAN_POSTPONED: Final = f"""
WITH waiting AS MATERIALIZED (
    SELECT customer_id FROM postponed_recipients
     WHERE campaign_id = %(campaign_id)s
     ORDER BY customer_id
     LIMIT %(chunk_size)s
), free AS MATERIALIZED (
    SELECT customers.id
      FROM customers
     WHERE customers.id IN (SELECT customer_id FROM waiting)
     ORDER BY customers.id
       FOR KEY SHARE SKIP LOCKED
), gone AS MATERIALIZED (
    SELECT customer_id FROM waiting WHERE NOT EXISTS (SELECT FROM customers WHERE customers.id = waiting.customer_id)
), written AS (
    INSERT INTO outbound_messages (campaign_id, customer_id)
    SELECT %(campaign_id)s, id FROM free
        ON CONFLICT (campaign_id, customer_id) DO NOTHING
    RETURNING customer_id
), counted AS (
    {_COUNT_WRITTEN}
), chunked AS (
    INSERT INTO campaign_chunks (campaign_id, first_customer_id, last_customer_id)
    SELECT %(campaign_id)s, customer_id, customer_id FROM written
), planned AS (
    DELETE FROM postponed_recipients
     WHERE campaign_id = %(campaign_id)s
       AND (customer_id IN (SELECT id FROM free) OR customer_id IN (SELECT customer_id FROM gone))
    RETURNING customer_id
)
UPDATE campaigns
   SET audience_unplanned = GREATEST(audience_unplanned - (SELECT count(*) FROM planned), 0)
 WHERE id = %(campaign_id)s
RETURNING (SELECT count(*) FROM written) AS written
"""


async def plan_next_chunk(
    connection: Connection,
    chunk_size: int,
    channels: Sequence[Channel] = tuple(Channel),
    troubles: CampaignTroubles | None = None,
) -> bool:
    """Write one chunk of the audience served longest ago; False if no audience needs planning.

    A campaign whose audience cannot be read fails with a reason. A campaign with another error is set aside.

    Raises:
        psycopg.OperationalError: The database is unavailable.
    """
    troubles = troubles or CampaignTroubles()
    async with connection.transaction():
        campaign = await _next_unplanned(connection, channels, troubles.excluded())
        if campaign is None:
            return False
        try:
            # a savepoint: after an error the campaign stays locked, and is set aside or failed below
            async with connection.transaction():
                await _plan(connection, campaign, chunk_size)
        except ValidationError as error:
            await _fail(connection, campaign.id, f"the audience cannot be read: {first_problem(error)}")
        except psycopg.Error as error:
            if troubles.note(PLAN, campaign.id, error):
                await _fail(connection, campaign.id, f"the audience cannot be planned: {type(error).__name__}")
                troubles.forget(campaign.id)
        else:
            troubles.forget(campaign.id)
    return True


async def plan_postponed(connection: Connection, chunk_size: int, troubles: CampaignTroubles | None = None) -> int:
    """Write the rows of postponed recipients whose customers are no longer locked; returns their number.

    Raises:
        psycopg.OperationalError: The database is unavailable.
    """
    troubles = troubles or CampaignTroubles()
    tried: list[int] = []
    written = 0
    while True:
        async with connection.transaction():
            parameters = {"tried": [*tried, *troubles.excluded()], "known_format": KNOWN_FORMAT}
            cursor = await connection.execute(_SELECT_POSTPONED, parameters)
            row = await cursor.fetchone()
            if row is None:
                return written
            tried.append(row[0])
            try:
                async with connection.transaction():
                    written += await _plan_postponed(connection, row[0], chunk_size)
            except psycopg.Error as error:
                troubles.note(PLAN_POSTPONED, row[0], error)
            else:
                troubles.forget(row[0])


async def _next_unplanned(
    connection: Connection, channels: Sequence[Channel], excluded: list[int]
) -> _Unplanned | None:
    async with connection.cursor(row_factory=class_row(_Unplanned)) as cursor:
        parameters = {"channels": list(channels), "excluded": excluded, "known_format": KNOWN_FORMAT}
        await cursor.execute(_SELECT_UNPLANNED, parameters)
        return await cursor.fetchone()


async def _plan(connection: Connection, campaign: _Unplanned, chunk_size: int) -> None:
    parameters: dict[str, Any] = {
        "campaign_id": campaign.id,
        "last_id": campaign.last_id,
        "planned_to": campaign.planned_to,
        "chunk_size": chunk_size,
        **audience_parameters(Audience.model_validate(campaign.audience)),
    }
    cursor = await connection.execute(_PLAN, parameters)
    row = await cursor.fetchone()
    MESSAGES_CREATED.inc(row[0] if row is not None else 0)


async def _plan_postponed(connection: Connection, campaign_id: int, chunk_size: int) -> int:
    cursor = await connection.execute(_PLAN_POSTPONED, {"campaign_id": campaign_id, "chunk_size": chunk_size})
    row = await cursor.fetchone()
    written: int = row[0] if row is not None else 0
    MESSAGES_CREATED.inc(written)
    return written


async def _fail(connection: Connection, campaign_id: int, reason: str) -> None:
    await fail_unplanned(connection, campaign_id, reason)
    log.error("campaign failed", campaign_id=campaign_id, reason=reason)
