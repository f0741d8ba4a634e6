"""The state of a provider in one row that all workers share: whether it is held, and its allowed rate.

free     no row, or a row without a hold and without a rate: workers send without a limit
held     no message is sent until `held_until`; afterwards one worker at a time may probe with one message
limited  all workers together send `rate_per_second`; it doubles every second, and grows slowly above the threshold
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from psycopg.rows import class_row

from leopard.db.pool import Connection
from leopard.domain.statuses import Channel

RESTART_RATE_PER_SECOND: Final = 10.0
"""The first rate after an outage, for all workers together."""

_FREE_RATE_PER_SECOND: Final = 5_000.0
"""At this rate the limit is removed."""

_MAX_HOLD_SECONDS: Final = 30.0
"""The longest wait between two probes, unless the provider asks for a longer one."""


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A provider's state when it was read. Times are in seconds from then."""

    held: bool
    held_seconds: float
    """Seconds until a probe is allowed; 0 if it is allowed now."""
    reason: str | None
    rate_per_second: float | None


_ANNOUNCE: Final = """
INSERT INTO provider_states (provider, channels)
VALUES (%(provider)s, %(channels)s)
    ON CONFLICT (provider) DO UPDATE
   SET channels = excluded.channels, updated_at = now()
 WHERE provider_states.updated_at < now() - interval '10 seconds' OR provider_states.channels <> excluded.channels
"""

_READ: Final = """
SELECT held_until IS NOT NULL AS held,
       GREATEST(COALESCE(extract(epoch FROM held_until - now()), 0), 0)::float8 AS held_seconds,
       reason, rate_per_second
  FROM provider_states
 WHERE provider = %(provider)s
"""

# If several workers see the same outage, the first one starts the hold. The others change nothing.
_HOLD: Final = """
WITH seen AS (
    SELECT provider, held_until, holds_in_a_row, rate_per_second,
           COALESCE(%(retry_after_seconds)s::float8,
                    LEAST(power(2, LEAST(holds_in_a_row, 10)), %(max_hold_seconds)s) * (0.75 + random() / 2)) AS wait
      FROM provider_states
     WHERE provider = %(provider)s AND (held_until IS NULL OR held_until <= now())
       FOR UPDATE
)
UPDATE provider_states AS state
   SET held_since = COALESCE(state.held_since, now()),
       held_until = now() + make_interval(secs => seen.wait),
       holds_in_a_row = state.holds_in_a_row + 1,
       reason = %(reason)s,
       probe_until = NULL,
       rate_threshold = CASE WHEN %(throttled)s THEN GREATEST(0.7 * COALESCE(seen.rate_per_second, %(seen_rate)s), 1)
                             ELSE state.rate_threshold END,
       rate_per_second = COALESCE(state.rate_per_second, %(seen_rate)s),
       updated_at = now()
  FROM seen
 WHERE state.provider = seen.provider
RETURNING seen.held_until IS NULL AS begun
"""

_TAKE_PROBE: Final = """
UPDATE provider_states
   SET probe_until = now() + make_interval(secs => %(seconds)s)
 WHERE provider = %(provider)s AND held_until <= now() AND (probe_until IS NULL OR probe_until < now())
"""

_END_HOLD: Final = """
UPDATE provider_states
   SET held_since = NULL, held_until = NULL, reason = NULL, holds_in_a_row = 0, probe_until = NULL,
       rate_per_second = COALESCE(rate_threshold, %(restart_rate)s) * (0.9 + random() / 5),
       tokens = 0, tokens_at = clock_timestamp(), updated_at = now()
 WHERE provider = %(provider)s AND held_until IS NOT NULL
"""

# The rate grows only while workers want more than it allows, and not while the provider still throttles some messages.
_TAKE_TOKENS: Final = """
WITH current AS (
    SELECT provider, rate_per_second AS rate, rate_threshold AS threshold, tokens,
           LEAST(GREATEST(extract(epoch FROM clock_timestamp() - tokens_at), 0), 1)::float8 AS elapsed
      FROM provider_states
     WHERE provider = %(provider)s AND held_until IS NULL AND rate_per_second IS NOT NULL
       FOR UPDATE
), filled AS (
    SELECT provider, LEAST(tokens + rate * elapsed, GREATEST(rate / 4, 1)) AS available,
           CASE WHEN NOT %(may_grow)s THEN rate
                WHEN threshold IS NULL OR rate < threshold THEN rate * power(2, elapsed)
                ELSE rate * power(1.05, elapsed) END AS grown, rate
      FROM current
), granted AS (
    SELECT provider, available, grown, rate, LEAST(floor(available), %(wanted)s)::bigint AS tokens FROM filled
)
UPDATE provider_states AS state
   SET tokens = granted.available - granted.tokens,
       tokens_at = clock_timestamp(),
       rate_per_second = CASE WHEN granted.available >= %(wanted)s THEN granted.rate
                              WHEN granted.grown < %(free_rate)s THEN granted.grown END,
       rate_threshold = CASE WHEN granted.grown < %(free_rate)s THEN state.rate_threshold END,
       updated_at = now()
  FROM granted
 WHERE state.provider = granted.provider
RETURNING granted.tokens
"""


async def announce_provider(connection: Connection, provider: str, channels: Sequence[Channel]) -> None:
    """Record that a worker uses the provider for these channels."""
    await connection.execute(_ANNOUNCE, {"provider": provider, "channels": list(channels)})


async def read_provider(connection: Connection, provider: str) -> ProviderState | None:
    """The state of a provider; None if it has no row."""
    async with connection.cursor(row_factory=class_row(ProviderState)) as cursor:
        await cursor.execute(_READ, {"provider": provider})
        return await cursor.fetchone()


async def hold_provider(
    connection: Connection,
    provider: str,
    reason: str,
    *,
    retry_after_seconds: float | None,
    throttled: bool,
    seen_rate: float,
) -> bool:
    """Hold a provider, unless it is held now; returns whether this call started the hold.

    Args:
        connection: A connection to write with.
        provider: The key of the provider.
        reason: The reason that clients see.
        retry_after_seconds: The wait that the provider asked for; None: a wait that doubles with every hold.
        throttled: Whether it throttled, so that its rate must be lower after the hold.
        seen_rate: Messages per second that this worker sent before.
    """
    cursor = await connection.execute(
        _HOLD,
        {
            "provider": provider,
            "reason": reason,
            "retry_after_seconds": retry_after_seconds,
            "throttled": throttled,
            "seen_rate": max(seen_rate, RESTART_RATE_PER_SECOND),
            "max_hold_seconds": _MAX_HOLD_SECONDS,
        },
    )
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def take_probe(connection: Connection, provider: str, seconds: float) -> bool:
    """Reserve the right to probe a held provider for `seconds`; returns whether this worker got it."""
    taken = await connection.execute(_TAKE_PROBE, {"provider": provider, "seconds": seconds})
    return taken.rowcount == 1


async def end_hold(connection: Connection, provider: str) -> None:
    """End a hold after a successful probe. The rate starts low and grows."""
    await connection.execute(_END_HOLD, {"provider": provider, "restart_rate": RESTART_RATE_PER_SECOND})


async def take_tokens(connection: Connection, provider: str, wanted: int, *, may_grow: bool) -> int | None:
    """How many of `wanted` messages may be sent now; None if the provider is held or has no limit."""
    cursor = await connection.execute(
        _TAKE_TOKENS,
        {"provider": provider, "wanted": wanted, "may_grow": may_grow, "free_rate": _FREE_RATE_PER_SECOND},
    )
    row = await cursor.fetchone()
    return None if row is None else int(row[0])
