"""Postponed recipients: writes their message rows once their customers are no longer locked. Publishes no jobs."""

from typing import Final

import psycopg

from dispatcher.message_rows import COUNT_WRITTEN, WRITE_FREE
from dispatcher.metrics import MESSAGES_CREATED
from dispatcher.troubles import CampaignTroubles
from leopard.db.pool import Connection
from leopard.domain.formats import KNOWN_FORMAT

PLAN_POSTPONED: Final = "plan postponed recipients"

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
), {WRITE_FREE}, counted AS (
    {COUNT_WRITTEN}
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


async def _plan_postponed(connection: Connection, campaign_id: int, chunk_size: int) -> int:
    cursor = await connection.execute(_PLAN_POSTPONED, {"campaign_id": campaign_id, "chunk_size": chunk_size})
    row = await cursor.fetchone()
    written: int = row[0] if row is not None else 0
    MESSAGES_CREATED.inc(written)
    return written
