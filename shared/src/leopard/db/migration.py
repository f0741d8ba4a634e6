"""Schema migrations with Alembic.

While a migration waits for a lock, every later statement on that table waits behind it. So it waits only briefly, and
then retries.
"""

import random
import time
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from psycopg import errors
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.pool import NullPool

from leopard.db.pool import connection_options
from leopard.db.schema import newest_revision
from leopard.store_errors import describe_database_error, is_final_database_error
from leopard.telemetry.logs import get_logger
from leopard.waiting import Patience

log = get_logger(__name__)

_LOCK: Final = 5_367_017_283
"""The advisory lock of migrations. Any number works, but every version of Leopard must use the same one."""

LOCK_SECONDS: Final = 2
"""How long a migration waits for a lock before it lets other statements pass."""

_RETRY_SECONDS: Final = (1.0, 3.0)
_GUARD_SECONDS: Final = 0.2

_LOCKED: Final = (errors.LockNotAvailable, errors.DeadlockDetected)

_SET_TIMEOUTS: Final = f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'; SET LOCAL statement_timeout = 0"

# Without parameters, so that the idle transaction keeps no portal and with it no snapshot.
_TRY_LOCK: Final = f"SELECT pg_try_advisory_xact_lock({_LOCK})"

_DISABLE_TIMEOUTS: Final = """
SET LOCAL lock_timeout = 0;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0
"""


def alembic_config(connection: SqlConnection | None = None) -> Config:
    """Alembic's configuration, without a file."""
    config = Config()
    config.set_main_option("script_location", "leopard:db/migrations")
    config.attributes["connection"] = connection
    return config


def migration_engine(database_url: str) -> Engine:
    """An engine whose connections libpq opens, so that it accepts the same URLs as the services."""

    def connect() -> psycopg.Connection:
        # no session state outlives a transaction, so migrations also work through a pooler
        return psycopg.connect(database_url, **{**connection_options("leopard migrate"), "autocommit": False})

    return create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)


def migrate(database_url: str, *, wait_seconds: float = 60) -> tuple[str | None, str]:
    """Bring the schema up to date. Safe to run repeatedly and concurrently: a second run waits for the first.

    Args:
        database_url: A libpq URL or keyword string.
        wait_seconds: How long to wait for PostgreSQL to answer, and then for locks of other transactions.

    Returns:
        The revision before and the revision after.

    Raises:
        sqlalchemy.exc.DBAPIError: PostgreSQL did not answer in time, refused, or did not grant a lock in time.
    """
    engine = migration_engine(database_url)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(_SET_TIMEOUTS))
    patience = Patience(wait_seconds)
    while True:
        try:
            return _migrate(engine, wait_seconds)
        except (OperationalError, InternalError) as error:
            # `_upgrade` has already waited for locks
            if isinstance(error.orig, _LOCKED) or is_final_database_error(error):
                raise
            pause = patience.pause(describe_database_error(error, database_url))
            if pause is None:
                raise
            time.sleep(pause)


def _migrate(engine: Engine, wait_seconds: float) -> tuple[str | None, str]:
    with engine.connect() as guard, guard.begin():
        guard.exec_driver_sql(_DISABLE_TIMEOUTS)
        # CREATE INDEX CONCURRENTLY waits for every snapshot, and so for a statement of another run that waits here
        while not guard.exec_driver_sql(_TRY_LOCK).scalar_one():
            time.sleep(_GUARD_SECONDS)
        with engine.connect() as connection:
            before = MigrationContext.configure(connection).get_current_revision()
            connection.commit()
            _upgrade(connection, wait_seconds)
    return before, newest_revision()


def _upgrade(connection: SqlConnection, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            command.upgrade(alembic_config(connection), "head")
        except OperationalError as error:
            connection.rollback()
            if not isinstance(error.orig, _LOCKED):
                raise
            if time.monotonic() > deadline:
                raise
            log.warning("migration waits for a table in use, retrying")
            time.sleep(random.uniform(*_RETRY_SECONDS))  # noqa: S311 jitter
        else:
            return
