"""Planning: the next chunk of an audience gets its message rows.

A send to named customers has its rows and chunks from the request; a send to an audience gets them here, one chunk at
a time, in the order of the customers' ids.
"""

from collections.abc import Sequence
from typing import Any, Final

from dispatcher.metrics import MESSAGES_CREATED
from leopard.audiences import Audience
from leopard.db.audiences import MATCHES, audience_parameters
from leopard.db.pool import Connection
from leopard.domain.statuses import Channel

# Of the campaigns that are not planned to their end, the one served longest ago. No key update: workers and requests
# that refer to the campaign are not held up.
_NEXT: Final = """
SELECT id, audience, audience_last_id, audience_planned_to
  FROM campaigns
 WHERE status = 'sending' AND channel = ANY(%(channels)s)
   AND audience IS NOT NULL AND audience_planned_to < audience_last_id
   AND NOT EXISTS (SELECT FROM campaign_chunks
                    WHERE campaign_chunks.campaign_id = campaigns.id AND check_at IS NULL
                      AND (claimed_until IS NULL OR claimed_until < now()))
 ORDER BY served_at NULLS FIRST, id
 LIMIT 1
   FOR NO KEY UPDATE SKIP LOCKED
"""

# The key share lock keeps a customer from being deleted before the foreign key is checked.
_PLAN: Final = f"""
WITH recipients AS (
    SELECT customers.id
      FROM customers
     WHERE customers.id > %(planned_to)s AND customers.id <= %(last_id)s AND {MATCHES}
     ORDER BY customers.id
     LIMIT %(chunk_size)s
       FOR KEY SHARE
), written AS (
    INSERT INTO outbound_messages (campaign_id, customer_id)
    SELECT %(campaign_id)s, id FROM recipients
        ON CONFLICT (campaign_id, customer_id) DO NOTHING
    RETURNING customer_id
), counted AS (
    INSERT INTO campaign_counts AS counts (campaign_id, shard, total)
    SELECT %(campaign_id)s, 0, count(*) FROM written
        ON CONFLICT (campaign_id, shard) DO UPDATE SET total = counts.total + excluded.total
), chunked AS (
    INSERT INTO campaign_chunks (campaign_id, first_customer_id, last_customer_id)
    SELECT %(campaign_id)s, min(customer_id), max(customer_id) FROM written HAVING count(*) > 0
), reached AS (
    SELECT count(*) AS recipients,
           CASE WHEN count(*) < %(chunk_size)s THEN %(last_id)s ELSE max(id) END AS planned_to
      FROM recipients
)
UPDATE campaigns
   SET audience_planned_to = reached.planned_to,
       audience_unplanned = CASE WHEN reached.planned_to >= audience_last_id THEN 0
                                 ELSE GREATEST(audience_unplanned - reached.recipients, 0) END
  FROM reached
 WHERE campaigns.id = %(campaign_id)s
RETURNING reached.recipients
"""


async def plan_next_chunk(
    connection: Connection, chunk_size: int, channels: Sequence[Channel] = tuple(Channel)
) -> bool:
    """Write the rows of one chunk of the audience that was served longest ago; false where there is none to plan."""
    async with connection.transaction():
        cursor = await connection.execute(_NEXT, {"channels": list(channels)})
        campaign = await cursor.fetchone()
        if campaign is None:
            return False
        campaign_id, audience, last_id, planned_to = campaign
        parameters: dict[str, Any] = {
            "campaign_id": campaign_id,
            "last_id": last_id,
            "planned_to": planned_to,
            "chunk_size": chunk_size,
            **audience_parameters(Audience.model_validate(audience)),
        }
        cursor = await connection.execute(_PLAN, parameters)
        row = await cursor.fetchone()
        MESSAGES_CREATED.inc(row[0] if row is not None else 0)
    return True
