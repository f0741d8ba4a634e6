"""The connections of a process to PostgreSQL."""

import time
from functools import partial
from typing import Any, Final, TypeAlias

from psycopg import AsyncConnection, errors
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from leopard.db.sessions import SessionConnection, SessionRules, begin_session

Connection: TypeAlias = AsyncConnection[TupleRow]

DATABASE_UNAVAILABLE = (
    PoolTimeout,
    errors.OperationalError,
    errors.InterfaceError,
    errors.InternalError,
    # "cached plan must not change result type", after a column's type has changed
    errors.FeatureNotSupported,
)
"""What psycopg raises when PostgreSQL is away, restarting or refusing; the same statement may pass later."""

RENEWAL_SECONDS: Final = 1
"""How often all connections are replaced at most; while a server is read-only every statement would ask for it."""


class Pool(AsyncConnectionPool[SessionConnection]):
    """A pool that closes a connection which met an unexpected error, in place of giving it to the next caller."""

    _renewed_at: float = float("-inf")

    async def putconn(self, conn: SessionConnection) -> None:
        """Take a connection back; `connection()` ends with this."""
        if conn.spoiled:
            await conn.close()
        await super().putconn(conn)
        if conn.outdated and time.monotonic() - self._renewed_at > RENEWAL_SECONDS:
            self._renewed_at = time.monotonic()
            await self.drain()


def create_pool(
    database_url: str,
    *,
    size: int,
    application: str,
    wait_seconds: float = 5,
    checked: bool = False,
    rules: SessionRules = SessionRules(),  # noqa: B008 frozen
) -> Pool:
    """A pool that opens its connections in the background and keeps trying while PostgreSQL is away.

    Args:
        database_url: A libpq URL.
        size: Connections at the most.
        application: The name that PostgreSQL shows for them.
        wait_seconds: How long a caller waits for a connection before `PoolTimeout`.
        checked: Ask PostgreSQL for an answer before a connection is handed out. For those who cannot do their
            statement again; it costs a round trip each time.
        rules: What each connection's session is set to.
    """
    return Pool(
        database_url,
        connection_class=SessionConnection,
        min_size=1,
        max_size=size,
        open=False,
        timeout=wait_seconds,
        # then it gives up until somebody asks for a connection, which here happens every few seconds
        reconnect_timeout=4,
        configure=partial(begin_session, rules=rules),
        check=AsyncConnectionPool.check_connection if checked else None,
        kwargs=connection_options(application),
    )


def connection_options(application: str) -> dict[str, Any]:
    """How Leopard connects: one transaction a statement, nothing prepared, dead peers noticed within seconds."""
    return {
        "autocommit": True,
        "application_name": application,
        "prepare_threshold": None,
        "connect_timeout": 5,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
