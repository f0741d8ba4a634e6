"""Parking: returns messages to PostgreSQL while their provider is held, so that their jobs leave the queue."""

from collections.abc import Sequence
from typing import Final

from leopard.db.message_states import CLAIMABLE
from leopard.db.pool import Connection

# Parks only messages that no worker holds. Costs no attempt, and keeps the trace of a claim without a result.
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
    """Let messages wait in PostgreSQL for `seconds`. This costs no attempt."""
    await connection.execute(_PARK, {"message_ids": list(message_ids), "seconds": seconds})
