"""How far the queues have been delivered: tells jobs that still wait in a queue from jobs that were lost.

Queues are first in, first out. Once a job that was published at some moment has been delivered, every job published
before it is with a worker, done, or lost.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from leopard.db.chunks import DUE_FOR_CHECK
from leopard.db.pool import Connection

_REPORT: Final = """
INSERT INTO queue_progress (queue, delivered_up_to)
VALUES (%(queue)s, LEAST(%(delivered_up_to)s, now()))
    ON CONFLICT (queue) DO UPDATE
   SET delivered_up_to = excluded.delivered_up_to
 WHERE queue_progress.delivered_up_to < excluded.delivered_up_to
"""

# What was published while the depth was read may have been counted or not.
_EMPTIED: Final = f"""
INSERT INTO queue_progress (queue, delivered_up_to)
VALUES (%(queue)s, now() - interval '2 seconds')
    ON CONFLICT (queue) DO UPDATE
   SET delivered_up_to = excluded.delivered_up_to
 WHERE queue_progress.delivered_up_to < excluded.delivered_up_to
   AND EXISTS (SELECT FROM campaign_chunks WHERE {DUE_FOR_CHECK})
"""

# Chunks are locked in the order of their ids, and those that another process works on are left alone.
_HELD: Final = """
WITH held AS (
    SELECT campaign_chunks.id
      FROM campaign_chunks
     WHERE check_at IS NOT NULL
       AND EXISTS (SELECT FROM unnest(%(campaign_ids)s::bigint[], %(customer_ids)s::bigint[])
                            AS job (campaign_id, customer_id)
                    WHERE job.campaign_id = campaign_chunks.campaign_id
                      AND job.customer_id BETWEEN first_customer_id AND last_customer_id)
     ORDER BY campaign_chunks.id
       FOR UPDATE SKIP LOCKED
)
UPDATE campaign_chunks
   SET check_at = GREATEST(check_at, now() + make_interval(secs => %(seconds)s))
  FROM held
 WHERE campaign_chunks.id = held.id
"""


async def report_delivered(connection: Connection, queue: str, delivered_up_to: datetime) -> None:
    """Say that a queue has delivered what was published up to a moment; never takes a later moment back."""
    await connection.execute(_REPORT, {"queue": queue, "delivered_up_to": delivered_up_to})


async def report_emptied(connection: Connection, queue: str) -> None:
    """Say that a queue holds no job at this moment; writes nothing while no chunk is due to be checked."""
    await connection.execute(_EMPTIED, {"queue": queue})


async def report_held(connection: Connection, jobs: Sequence[tuple[int, int]], seconds: float) -> None:
    """Say that a worker still holds jobs, each by campaign and customer: their chunks are checked later.

    Args:
        connection: Where to write.
        jobs: The campaign id and the customer id of each job.
        seconds: How long the chunks are left alone.
    """
    await connection.execute(
        _HELD,
        {
            "campaign_ids": [campaign_id for campaign_id, _ in jobs],
            "customer_ids": [customer_id for _, customer_id in jobs],
            "seconds": seconds,
        },
    )
