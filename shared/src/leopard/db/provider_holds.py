"""Provider holds by channel, for the dispatcher and the API. Only reads."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from leopard.db.pool import Connection
from leopard.domain.statuses import Channel

# A provider that no worker announced for a minute is no longer in use. A channel is held if all its providers are held.
# It may be probed as soon as one of them may be probed.
_SELECT_CHANNEL_HOLDS: Final = """
SELECT channel, bool_and(held_until > now()) AS held
  FROM provider_states
 CROSS JOIN LATERAL unnest(channels) AS channel
 WHERE updated_at > now() - interval '1 minute'
 GROUP BY channel
HAVING bool_and(held_until IS NOT NULL)
"""

_SELECT_HOLD: Final = """
SELECT reason, held_since AS since, held_until AS until
  FROM provider_states
 WHERE %(channel)s = ANY(channels) AND held_until IS NOT NULL AND updated_at > now() - interval '1 minute'
   AND NOT EXISTS (SELECT FROM provider_states AS other
                    WHERE %(channel)s = ANY(other.channels) AND other.held_until IS NULL
                      AND other.updated_at > now() - interval '1 minute')
 ORDER BY held_until
 LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class ProviderHold:
    """Why a channel's messages wait, since when, and the earliest end of the wait."""

    reason: str
    since: datetime
    until: datetime


async def channel_holds(connection: Connection) -> dict[Channel, bool]:
    """The held channels: True while nothing may be sent, False once the provider may be probed."""
    cursor = await connection.execute(_SELECT_CHANNEL_HOLDS)
    known = set(Channel)
    return {Channel(channel): held for channel, held in await cursor.fetchall() if channel in known}


async def hold_of(connection: Connection, channel: str) -> ProviderHold | None:
    """The hold that a channel's messages wait for; None if they do not wait."""
    async with connection.cursor(row_factory=class_row(ProviderHold)) as cursor:
        await cursor.execute(_SELECT_HOLD, {"channel": channel})
        return await cursor.fetchone()
