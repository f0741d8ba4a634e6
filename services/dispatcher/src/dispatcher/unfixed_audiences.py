"""Audiences whose recipients the send has not stored: campaigns of format 1 that an earlier version began to send.

Planning selects their customers chunk by chunk, in the order of their ids. Publishes no jobs.
"""

from typing import Any, Final

from dispatcher.message_rows import WRITE_RECIPIENTS
from leopard.audiences.model import Audience
from leopard.audiences.selection import select_audience
from leopard.db.pool import Connection

_RECIPIENTS: Final = """
    SELECT customers.id
      FROM customers
     WHERE customers.id > %(planned_to)s AND customers.id <= %(last_id)s AND {condition}
     ORDER BY customers.id
     LIMIT %(chunk_size)s
"""

_PLAN: Final = f"""
WITH recipients AS MATERIALIZED (
    {_RECIPIENTS}
), {WRITE_RECIPIENTS}, reached AS (
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


async def plan_unfixed(
    connection: Connection, campaign_id: int, stored: object, *, planned_to: int, last_id: int, chunk_size: int
) -> int:
    """Write one chunk of an audience whose recipients are not stored; returns the number of recipients.

    Args:
        connection: Has an open transaction, which has locked the campaign.
        campaign_id: The campaign.
        stored: Its audience in JSON.
        planned_to: Customers up to this id have message rows.
        last_id: The highest customer id at the send.
        chunk_size: How many recipients the chunk may have.

    Raises:
        ValidationError, FilterError, SegmentNotFoundError: The audience cannot be read.
    """
    selection = await select_audience(connection, Audience.model_validate(stored))
    parameters: dict[str, Any] = {
        **selection.parameters,
        "campaign_id": campaign_id,
        "last_id": last_id,
        "planned_to": planned_to,
        "chunk_size": chunk_size,
    }
    cursor = await connection.execute(_PLAN.format(condition=selection.condition), parameters)
    row = await cursor.fetchone()
    return row[0] if row is not None else 0
