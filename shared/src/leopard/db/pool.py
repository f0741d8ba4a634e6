"""The connection pool of a process to PostgreSQL."""

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
"""Errors of psycopg while PostgreSQL is unavailable, restarting or refusing. The same statement may succeed later."""

RENEWAL_SECONDS: Final = 1
"""The pool replaces all connections at most this often. On a read-only server every statement asks for it."""


class Pool(AsyncConnectionPool[SessionConnection]):
    """A pool that closes a connection after an unexpected error instead of reusing it."""

    _renewed_at: float = float("-inf")

    async def putconn(self, conn: SessionConnection) -> None:
        """Take a connection back. `connection()` calls this at its end."""
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
    """A pool that opens connections in the background, and keeps trying while PostgreSQL is unavailable.

    Args:
        database_url: A libpq URL.
        size: The maximum number of connections.
        application: The name that PostgreSQL shows for them.
        wait_seconds: How long a caller waits for a connection before `PoolTimeout`.
        checked: Check each connection before a caller gets it. For callers that cannot retry their statement. Costs
            one round trip each time.
        rules: The settings of each session.
    """
    return Pool(
        database_url,
        connection_class=SessionConnection,
        min_size=1,
        max_size=size,
        open=False,
        timeout=wait_seconds,
        # after this it stops trying until the next request for a connection, which comes within seconds
        reconnect_timeout=4,
        configure=partial(begin_session, rules=rules),
        check=AsyncConnectionPool.check_connection if checked else None,
        kwargs=connection_options(application),
    )


def connection_options(application: str) -> dict[str, Any]:
    """Connection options: one transaction per statement, nothing prepared, dead peers detected within seconds."""
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
