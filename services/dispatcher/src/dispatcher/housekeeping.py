"""Rows that nobody needs any more."""

from typing import Final

from leopard.db.pool import Connection

_FORGET_KEYS: Final = "DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'"


async def forget_idempotency_keys(connection: Connection) -> None:
    """Forget the keys of requests that were made more than a day ago."""
    await connection.execute(_FORGET_KEYS)
