"""Claims: a worker claims a message before it sends it, so that duplicate jobs send it only once.

A claim is a lease that ends by itself. No transaction stays open while a message is sent. After the end of a claim
another worker may claim the message again. `claimed_until` is also the claim's token: a later claim always ends later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from leopard.db.counts import adding
from leopard.db.message_states import CLAIMABLE
from leopard.db.pool import Connection
from leopard.domain.statuses import Channel


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that this worker holds until `claimed_until`, with all data that is needed to send it."""

    message_id: int
    campaign_id: int
    claimed_until: datetime
    retry_count: int
    outcome_unknown: bool
    """An earlier claim ended without a result: the message may have been sent."""
    channel: Channel
    base_template: str
    phone: str
    first_name: str | None
    last_name: str | None
    location: str | None
    preferred_product: str | None


_COUNT_UNKNOWN: Final = adding(
    ("unknown_outcomes",),
    """
    SELECT campaign_id, %(shard)s, count(*)
      FROM claimed
     WHERE outcome_unknown
     GROUP BY campaign_id
     ORDER BY campaign_id
    """,
)

# A claim that ended without a result costs an attempt. Otherwise a message that crashes workers would crash them all.
_CLAIM: Final = f"""
WITH claimable AS (
    SELECT m.id, m.claimed_until IS NOT NULL AS outcome_unknown, campaigns.channel, campaigns.base_template,
           customers.phone, customers.first_name, customers.last_name, customers.location,
           customers.preferred_product
      FROM outbound_messages AS m
      JOIN campaigns ON campaigns.id = m.campaign_id AND campaigns.status = 'sending'
                    AND campaigns.channel = ANY(%(channels)s)
      JOIN customers ON customers.id = m.customer_id
     WHERE m.id = ANY(%(message_ids)b)
       AND {CLAIMABLE}
     ORDER BY m.id
       FOR UPDATE OF m SKIP LOCKED
), claimed AS (
    UPDATE outbound_messages AS m
       SET claimed_until = now() + make_interval(secs => %(lease_seconds)s),
           retry_count = m.retry_count + claimable.outcome_unknown::int
      FROM claimable
     WHERE m.id = claimable.id
    RETURNING m.id AS message_id, m.campaign_id, m.claimed_until, m.retry_count, claimable.outcome_unknown,
              claimable.channel, claimable.base_template, claimable.phone, claimable.first_name,
              claimable.last_name, claimable.location, claimable.preferred_product
), counted AS (
    {_COUNT_UNKNOWN}
)
SELECT * FROM claimed
"""


async def claim_messages(
    connection: Connection,
    message_ids: Sequence[int],
    lease_seconds: float,
    shard: int,
    channels: Sequence[Channel] = tuple(Channel),
) -> list[Claim | None]:
    """Claim messages in one statement; for each id: its claim, or None if there is nothing to send.

    There is nothing to send if the message is finished, waits for its next attempt, or is held by another worker; if
    its campaign is not sending or is in another channel; or if its customer was deleted.
    """
    async with connection.cursor(row_factory=class_row(Claim), binary=True) as cursor:
        await cursor.execute(
            _CLAIM,
            {
                "message_ids": list(message_ids),
                "lease_seconds": lease_seconds,
                "shard": shard,
                "channels": list(channels),
            },
        )
        claims = {claim.message_id: claim for claim in await cursor.fetchall()}
    # a repeated id is claimed once
    return [claims.pop(message_id, None) for message_id in message_ids]
