"""Parking: messages whose provider is held go back to the tables, and their jobs leave the queue."""

from collections.abc import Sequence
from typing import Final

from leopard.db.message_states import CLAIMABLE
from leopard.db.pool import Connection

# Only messages that no worker holds. No attempt is used, and a claim that ended without a result stays visible.
_PARK: Final = f"""
WITH parked AS (
    SELECT id
      FROM outbound_messages AS m
     WHERE id = ANY(%(message_ids)s)
       AND {CLAIMABLE}
     ORDER BY id
       FOR UPDATE SKIP LOCKED
)
UPDATE outbound_messages AS m
   SET next_attempt_at = now() + make_interval(secs => %(seconds)s + random())
  FROM parked
 WHERE m.id = parked.id
"""


async def park_messages(connection: Connection, message_ids: Sequence[int], seconds: float) -> None:
    """Let messages wait in the tables for `seconds`, without using up an attempt."""
    await connection.execute(_PARK, {"message_ids": list(message_ids), "seconds": seconds})
