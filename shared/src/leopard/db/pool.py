"""The connections of a process to PostgreSQL."""

from typing import Any, TypeAlias

from psycopg import AsyncConnection, errors
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

Connection: TypeAlias = AsyncConnection[TupleRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]

DATABASE_AWAY = (
    PoolTimeout,
    errors.OperationalError,
    errors.InterfaceError,
    errors.InternalError,
)
"""What psycopg raises when PostgreSQL is away, restarting or refusing; the same statement may pass later."""


def create_pool(
    database_url: str, *, size: int, application: str, wait_seconds: float = 5, checked: bool = False
) -> Pool:
    """A pool that opens its connections in the background and keeps trying while PostgreSQL is away.

    Args:
        database_url: A libpq URL.
        size: Connections at the most.
        application: The name that PostgreSQL shows for them.
        wait_seconds: How long a caller waits for a connection before `PoolTimeout`.
        checked: Ask PostgreSQL for an answer before a connection is handed out. For those who cannot do their
            statement again; it costs a round trip each time.
    """
    return AsyncConnectionPool(
        database_url,
        min_size=1,
        max_size=size,
        open=False,
        timeout=wait_seconds,
        # then it gives up until somebody asks for a connection, which here happens every few seconds
        reconnect_timeout=4,
        check=AsyncConnectionPool.check_connection if checked else None,
        kwargs=connection_options(application),
    )


def connection_options(application: str) -> dict[str, Any]:
    """How Leopard connects: times in UTC, one transaction a statement, dead peers noticed within seconds."""
    return {
        "autocommit": True,
        "application_name": application,
        "options": "-c timezone=UTC -c idle_in_transaction_session_timeout=60000",
        "connect_timeout": 5,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
