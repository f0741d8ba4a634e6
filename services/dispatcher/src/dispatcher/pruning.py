"""Rows that are needed no more."""

from typing import Final

from leopard.db.pool import Connection

# A key that a request is taking again is left alone.
_FORGET_KEYS: Final = """
WITH expired AS (
    SELECT key, endpoint
      FROM idempotency_keys
     WHERE created_at < now() - interval '24 hours'
     ORDER BY key, endpoint
       FOR UPDATE SKIP LOCKED
)
DELETE FROM idempotency_keys AS kept
 USING expired
 WHERE kept.key = expired.key AND kept.endpoint = expired.endpoint
"""

_FORGET_PROVIDERS: Final = """
WITH unused AS (
    SELECT provider
      FROM provider_states
     WHERE updated_at < now() - interval '1 day'
     ORDER BY provider
       FOR UPDATE SKIP LOCKED
)
DELETE FROM provider_states USING unused WHERE provider_states.provider = unused.provider
"""


async def forget_providers(connection: Connection) -> None:
    """Forget providers that no worker has used for a day."""
    await connection.execute(_FORGET_PROVIDERS)


async def forget_idempotency_keys(connection: Connection) -> None:
    """Forget the keys of requests that were made more than a day ago."""
    await connection.execute(_FORGET_KEYS)
