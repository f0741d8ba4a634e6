"""The unique id of this installation. A migration creates it."""

from typing import Final

from leopard.db.pool import Connection

_READ: Final = "SELECT id::text FROM installation"


async def installation_id(connection: Connection) -> str:
    """The id of this installation.

    Raises:
        LookupError: The row is missing.
    """
    cursor = await connection.execute(_READ)
    row = await cursor.fetchone()
    if row is None:
        msg = "the table installation has no row"
        raise LookupError(msg)
    return str(row[0])
