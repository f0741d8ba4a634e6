"""Deletes rows that are no longer needed."""

from typing import Final

from leopard.db.pool import Connection

# A key that a request has locked is skipped.
_DELETE_KEYS: Final = """
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

_DELETE_PROVIDERS: Final = """
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
    """Delete providers that no worker has used for a day."""
    await connection.execute(_DELETE_PROVIDERS)


async def forget_idempotency_keys(connection: Connection) -> None:
    """Delete the idempotency keys of requests that are older than a day."""
    await connection.execute(_DELETE_KEYS)
