"""Bringing the schema up to date, with Alembic."""

import time
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from leopard.db.schema import newest_revision
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
