"""The schema's version. Services ask for it at every start, so Alembic, which is slow to import, stays out of it."""

import asyncio
import time
from functools import lru_cache
from importlib import resources

from psycopg import AsyncConnection, errors

from leopard.db.pool import DATABASE_AWAY, Connection, connection_options


@lru_cache(maxsize=1)
def newest_revision() -> str:
    """The revision that this version of the code was written for: the first part of the newest file's name."""
    versions = resources.files("leopard.db.migrations") / "versions"
    return max(file.name.split("_", 1)[0] for file in versions.iterdir() if file.name[0].isdigit())


async def schema_is_current(connection: Connection) -> bool:
    """Whether the schema is at least as new as this version of the code.

    Newer is fine: old and new versions run side by side while an upgrade rolls.
    """
    try:
        cursor = await connection.execute("SELECT version_num FROM alembic_version")
    except errors.UndefinedTable:
        return False
    row = await cursor.fetchone()
    return row is not None and str(row[0]) >= newest_revision()


async def wait_for_schema(database_url: str, *, seconds: float) -> bool:
    """Wait until the schema is at least as new as the code; false where it is not in time.

    Args:
        database_url: A libpq URL.
        seconds: How long to wait, for PostgreSQL as well.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            # a migration may hold the table for as long as it takes
            async with asyncio.timeout(max(deadline - time.monotonic(), 1)):
                async with await AsyncConnection.connect(database_url, **connection_options("wait")) as connection:
                    if await schema_is_current(connection):
                        return True
        except (TimeoutError, *DATABASE_AWAY):
            pass
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(1)
