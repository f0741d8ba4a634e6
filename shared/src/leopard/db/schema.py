"""The version of the schema. Does not import Alembic, because that is slow and every service starts here."""

import asyncio
from functools import lru_cache
from importlib import resources

from psycopg import AsyncConnection, errors

from leopard.db.pool import DATABASE_UNAVAILABLE, Connection, connection_options
from leopard.store_errors import describe_database_error, is_final_database_error
from leopard.waiting import Patience


class SchemaNotReadyError(Exception):
    """The schema is too old for the code, or cannot be read; says why."""


@lru_cache(maxsize=1)
def newest_revision() -> str:
    """The revision that this version of the code needs: the first part of the newest migration's file name."""
    versions = resources.files("leopard.db.migrations") / "versions"
    return max(file.name.split("_", 1)[0] for file in versions.iterdir() if file.name[0].isdigit())


async def schema_is_current(connection: Connection) -> bool:
    """Whether the schema is at least as new as this version of the code.

    A newer schema is fine: old and new versions run side by side during an upgrade.
    """
    try:
        cursor = await connection.execute("SELECT version_num FROM alembic_version")
    except errors.UndefinedTable:
        return False
    row = await cursor.fetchone()
    return row is not None and str(row[0]) >= newest_revision()


def schema_too_old() -> str:
    """The reason for a service that is not ready and for a command that waits in vain."""
    return f"the schema is older than this version needs ({newest_revision()}); run: leopard migrate"


async def wait_for_schema(database_url: str, *, seconds: float) -> None:
    """Wait until the schema is at least as new as the code.

    Args:
        database_url: A libpq URL or keyword string.
        seconds: How long to wait, including for PostgreSQL.

    Raises:
        SchemaNotReadyError: The schema is not current in time; says why.
        psycopg.Error: PostgreSQL refuses permanently, for example the login.
    """
    patience = Patience(seconds)
    while True:
        try:
            # a running migration may lock the table for a long time
            async with asyncio.timeout(max(patience.seconds_left(), 1)):
                async with await AsyncConnection.connect(database_url, **connection_options("wait")) as connection:
                    if await schema_is_current(connection):
                        return
            reason = schema_too_old()
        except TimeoutError:
            reason = "PostgreSQL did not answer in time, or a migration is running"
        except DATABASE_UNAVAILABLE as error:
            if is_final_database_error(error):
                raise
            reason = describe_database_error(error, database_url)
        pause = patience.pause(reason)
        if pause is None:
            raise SchemaNotReadyError(reason)
        await asyncio.sleep(pause)
