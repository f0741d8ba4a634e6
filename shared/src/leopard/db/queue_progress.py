"""Queue progress: how far each queue has been delivered. Separates jobs that still wait from jobs that are lost.

Queues are first in, first out. Once a job has been delivered, every job that was published before it is with a worker,
done, or lost.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from leopard.db.chunks import DUE_FOR_CHECK
from leopard.db.pool import Connection

_REPORT_DELIVERED: Final = """
INSERT INTO queue_progress (queue, delivered_up_to)
VALUES (%(queue)s, LEAST(%(delivered_up_to)s, now()))
    ON CONFLICT (queue) DO UPDATE
   SET delivered_up_to = excluded.delivered_up_to
 WHERE queue_progress.delivered_up_to < excluded.delivered_up_to
"""

# Jobs published during the check may be missing from the measured depth, hence the two seconds.
_REPORT_EMPTIED: Final = f"""
INSERT INTO queue_progress (queue, delivered_up_to)
VALUES (%(queue)s, now() - interval '2 seconds')
    ON CONFLICT (queue) DO UPDATE
   SET delivered_up_to = excluded.delivered_up_to
 WHERE queue_progress.delivered_up_to < excluded.delivered_up_to
   AND EXISTS (SELECT FROM campaign_chunks WHERE {DUE_FOR_CHECK})
"""

# Chunks are locked in the order of their ids. Chunks that another process has locked are skipped.
_DELAY_CHECKS: Final = """
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
    """Record that a queue has delivered all jobs published up to a time. The time never moves back."""
    await connection.execute(_REPORT_DELIVERED, {"queue": queue, "delivered_up_to": delivered_up_to})


async def report_emptied(connection: Connection, queue: str) -> None:
    """Record that a queue is empty now. Writes nothing while no chunk is due for a check."""
    await connection.execute(_REPORT_EMPTIED, {"queue": queue})


async def report_held(connection: Connection, jobs: Sequence[tuple[int, int]], seconds: float) -> None:
    """Record that a worker still holds jobs, so that their chunks are checked later.

    Args:
        connection: A connection to write with.
        jobs: The campaign id and the customer id of each job.
        seconds: How long to delay the checks.
    """
    await connection.execute(
        _DELAY_CHECKS,
        {
            "campaign_ids": [campaign_id for campaign_id, _ in jobs],
            "customer_ids": [customer_id for _, customer_id in jobs],
            "seconds": seconds,
        },
    )
