"""Held providers, as the dispatcher and the API see them: by the channels that they carry."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from leopard.db.pool import Connection
from leopard.domain.statuses import Channel

# A provider that no worker has announced for a minute is in use no more. A channel is held where all of its providers
# are; it is being probed once the first of them may be.
_CHANNELS: Final = """
SELECT channel, bool_and(held_until > now()) AS held
  FROM provider_states
 CROSS JOIN LATERAL unnest(channels) AS channel
 WHERE updated_at > now() - interval '1 minute'
 GROUP BY channel
HAVING bool_and(held_until IS NOT NULL)
"""

_WAITING: Final = """
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
    """Why a channel's messages wait, since when, and until when at least."""

    reason: str
    since: datetime
    until: datetime


async def channel_holds(connection: Connection) -> dict[Channel, bool]:
    """The channels that are held: true while nothing may be sent, false where the provider may be probed."""
    cursor = await connection.execute(_CHANNELS)
    known = set(Channel)
    return {Channel(channel): held for channel, held in await cursor.fetchall() if channel in known}


async def hold_of(connection: Connection, channel: str) -> ProviderHold | None:
    """Why messages of a channel wait for their provider; null where they do not."""
    async with connection.cursor(row_factory=class_row(ProviderHold)) as cursor:
        await cursor.execute(_WAITING, {"channel": channel})
        return await cursor.fetchone()
