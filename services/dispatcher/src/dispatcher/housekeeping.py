"""Rows that are needed no more."""

from typing import Final

from leopard.db.pool import Connection

_FORGET_KEYS: Final = "DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'"

_FORGET_PROVIDERS: Final = "DELETE FROM provider_states WHERE updated_at < now() - interval '1 day'"


async def forget_providers(connection: Connection) -> None:
    """Forget providers that no worker has used for a day."""
    await connection.execute(_FORGET_PROVIDERS)


async def forget_idempotency_keys(connection: Connection) -> None:
    """Forget the keys of requests that were made more than a day ago."""
    await connection.execute(_FORGET_KEYS)
