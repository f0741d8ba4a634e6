"""Cancels the unsent messages of cancelled campaigns, chunk by chunk.

A message that a worker holds is not touched until its result is recorded or its lease has ended. After the lease it
fails with an unknown outcome, because it may have been sent.
"""

from typing import Final

from leopard.db.chunks import DUE_FOR_CHECK
from leopard.db.counts import WRITER_SHARD, adding, shard_of
from leopard.db.message_states import NOT_HELD, OUTCOME_UNKNOWN, UNFINISHED
from leopard.db.pool import Connection
from leopard.domain import statuses

_COUNT_UNPLANNED: Final = adding(
    ("total", "cancelled"), f"SELECT id, {WRITER_SHARD}, audience_unplanned, audience_unplanned FROM left_over"
)

# Recipients without a row never get one. They count as cancelled and in the total.
_CANCEL_UNPLANNED: Final = f"""
WITH left_over AS (
    SELECT id, audience_unplanned
      FROM campaigns
     WHERE status = 'cancelled' AND audience IS NOT NULL
       AND (audience_planned_to < audience_last_id
            OR EXISTS (SELECT FROM postponed_recipients WHERE campaign_id = campaigns.id)
            OR EXISTS (SELECT FROM audience_recipients WHERE campaign_id = campaigns.id))
     ORDER BY id
     LIMIT 1
       FOR NO KEY UPDATE SKIP LOCKED
), dropped AS (
    DELETE FROM postponed_recipients USING left_over WHERE campaign_id = left_over.id
), forgotten AS (
    DELETE FROM audience_recipients USING left_over WHERE campaign_id = left_over.id
), counted AS (
    {_COUNT_UNPLANNED}
)
UPDATE campaigns
   SET audience_unplanned = 0, audience_planned_to = audience_last_id
  FROM left_over
 WHERE campaigns.id = left_over.id
RETURNING campaigns.id
"""

_COUNT_ENDED: Final = adding(
    ("failed", "cancelled", "unknown_outcomes"),
    f"""
    SELECT campaign_id, {shard_of("variant", WRITER_SHARD)}, count(*) FILTER (WHERE status = 'failed'),
           count(*) FILTER (WHERE status = 'cancelled'), count(*) FILTER (WHERE status = 'failed')
      FROM ended
     GROUP BY 1, 2
     ORDER BY 1, 2
    """,
)

# This statement cannot see a claim that a concurrent transaction is taking. So a chunk is deleted only when a later
# check finds no unfinished message. That check also handles messages that another transaction has locked now. A message
# that was finished in the meantime is not changed.
_CANCEL_CHUNK: Final = f"""
WITH chunk AS (
    SELECT campaign_chunks.id, campaign_chunks.campaign_id, first_customer_id, last_customer_id
      FROM campaign_chunks
      JOIN campaigns ON campaigns.id = campaign_chunks.campaign_id AND campaigns.status = 'cancelled'
     WHERE {DUE_FOR_CHECK}
     ORDER BY check_at
     LIMIT 1
       FOR UPDATE OF campaign_chunks SKIP LOCKED
), unfinished AS (
    SELECT m.id
      FROM outbound_messages AS m
      JOIN chunk ON m.campaign_id = chunk.campaign_id
       AND m.customer_id BETWEEN chunk.first_customer_id AND chunk.last_customer_id
     WHERE {UNFINISHED}
), free AS (
    SELECT m.id, {OUTCOME_UNKNOWN} AS outcome_unknown
      FROM outbound_messages AS m
      JOIN unfinished ON unfinished.id = m.id
     WHERE {UNFINISHED} AND {NOT_HELD}
     ORDER BY m.id
       FOR UPDATE OF m SKIP LOCKED
), ended AS (
    UPDATE outbound_messages AS m
       SET status = CASE WHEN free.outcome_unknown THEN 'failed' ELSE 'cancelled' END,
           last_error = CASE WHEN free.outcome_unknown THEN %(error)s ELSE m.last_error END,
           next_attempt_at = NULL,
           claimed_until = NULL,
           updated_at = now()
      FROM free
     WHERE m.id = free.id
    RETURNING m.campaign_id, m.variant, m.status
), counted AS (
    {_COUNT_ENDED}
), done AS (
    DELETE FROM campaign_chunks USING chunk
     WHERE campaign_chunks.id = chunk.id AND NOT EXISTS (SELECT FROM unfinished)
), again AS (
    UPDATE campaign_chunks
       SET check_at = now() + interval '1 second'
      FROM chunk
     WHERE campaign_chunks.id = chunk.id AND EXISTS (SELECT FROM unfinished)
)
SELECT count(*) FROM chunk
"""


async def cancel_chunk(connection: Connection) -> bool:
    """Cancel the unsent messages of one chunk of a cancelled campaign; False if no chunk is due."""
    cursor = await connection.execute(_CANCEL_CHUNK, {"error": statuses.OUTCOME_UNKNOWN})
    row = await cursor.fetchone()
    return row is not None and row[0] > 0


async def cancel_unplanned(connection: Connection) -> bool:
    """Count the recipients without a row of one cancelled campaign as cancelled; False if there is none."""
    return (await connection.execute(_CANCEL_UNPLANNED)).rowcount > 0
