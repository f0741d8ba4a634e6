"""The schema's version: bringing it up to date, and asking whether it is."""

import time
from functools import lru_cache
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import errors
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from leopard.db.pool import Connection
from leopard.logs import get_logger

log = get_logger(__name__)

_LOCK: Final = 5_367_017_283
"""Any number will do, as long as every version of Leopard takes the same advisory lock."""


def alembic_config(connection: SqlConnection | None = None) -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", "leopard:db/migrations")
    config.attributes["connection"] = connection
    return config


@lru_cache(maxsize=1)
def newest_revision() -> str:
    """The revision that this version of the code was written for."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert head is not None  # noqa: S101 the package carries at least one revision
    return head


def sqlalchemy_url(database_url: str) -> str:
    """The same database in SQLAlchemy's spelling, through psycopg 3."""
    return "postgresql+psycopg://" + database_url.split("://", 1)[1]


def migrate(database_url: str, *, wait_seconds: float = 60) -> tuple[str | None, str]:
    """Bring the schema up to date; safe to run twice, and by two at once: the second waits for the first.

    Args:
        database_url: A libpq URL.
        wait_seconds: How long to wait for a PostgreSQL that does not answer yet.

    Returns:
        The revision before and the revision after.

    Raises:
        sqlalchemy.exc.OperationalError: PostgreSQL did not answer in time, or refused.
    """
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            connection = engine.connect()
            break
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            log.info("waiting for PostgreSQL")
            time.sleep(1)
    with connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        try:
            before = MigrationContext.configure(connection).get_current_revision()
            connection.commit()
            command.upgrade(alembic_config(connection), "head")
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()
    return before, newest_revision()


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
