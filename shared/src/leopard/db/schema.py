"""The schema's version. Services ask for it at every start, so Alembic, which is slow to import, stays out of it."""

from functools import lru_cache
from importlib import resources

from psycopg import errors

from leopard.db.pool import Connection


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
