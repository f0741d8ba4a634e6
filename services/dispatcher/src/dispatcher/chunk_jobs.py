"""The jobs of a chunk: one for each message that a worker may claim now. Only reads."""

from typing import Final

from leopard.broker.jobs import MessageJob
from leopard.db.chunks import ClaimedChunk
from leopard.db.message_states import CLAIMABLE
from leopard.db.pool import Connection

_SELECT_PENDING: Final = f"""
SELECT id, customer_id
  FROM outbound_messages AS m
 WHERE campaign_id = %(campaign_id)s
   AND customer_id BETWEEN %(first_customer_id)s AND %(last_customer_id)s
   AND {CLAIMABLE}
 ORDER BY id
"""


async def pending_jobs(connection: Connection, chunk: ClaimedChunk) -> list[MessageJob]:
    """The jobs of the chunk's messages that are pending and not held by a worker."""
    cursor = await connection.execute(
        _SELECT_PENDING,
        {
            "campaign_id": chunk.campaign_id,
            "first_customer_id": chunk.first_customer_id,
            "last_customer_id": chunk.last_customer_id,
        },
    )
    rows = await cursor.fetchall()
    return [MessageJob(message_id=row[0], campaign_id=chunk.campaign_id, customer_id=row[1]) for row in rows]
