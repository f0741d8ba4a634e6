"""The settings of a PostgreSQL session: timeouts, UTC, prepared statements.

They are not sent as start-up `options`, because PgBouncer refuses those. A direct connection has a dedicated server
session, which is set once. A transaction pooler may use another server session for each transaction. There, nothing may
outlive a transaction, so each transaction begins with `SET LOCAL`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from psycopg import AsyncConnection, AsyncCursor, AsyncTransaction, errors
from psycopg.abc import Buffer, Params, PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import Row, TupleRow
from psycopg.types.datetime import TimestamptzLoader

from leopard.domain.formats import KNOWN_FORMAT
from leopard.settings import DatabasePooling, PreparedStatements, ServiceSettings
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

PREPARE_THRESHOLD: Final = 5
"""A statement is prepared when it runs for the sixth time on a connection. This is psycopg's default."""

IDLE_IN_TRANSACTION_SECONDS: Final = 60
"""PostgreSQL ends a session that is idle in a transaction for this time, for example of a frozen process."""

_ORDINARY: Final = (
    errors.IntegrityError,
    errors.LockNotAvailable,
    errors.QueryCanceled,
    errors.DeadlockDetected,
    errors.SerializationFailure,
)
_OUTDATED: Final = (errors.ReadOnlySqlTransaction, errors.FeatureNotSupported)

_SET: Final = "SELECT set_config(name, value, %s) FROM unnest(%s::text[], %s::text[]) AS setting (name, value)"


@dataclass(frozen=True, slots=True)
class SessionRules:
    """Limits for statements, in seconds, and the kind of pooler in front of PostgreSQL."""

    lock_timeout_seconds: float = 5
    statement_timeout_seconds: float = 30
    pooling: DatabasePooling = DatabasePooling.AUTO
    prepared_statements: PreparedStatements = PreparedStatements.AUTO


def session_rules(settings: ServiceSettings) -> SessionRules:
    """The rules from a service's settings."""
    return SessionRules(
        lock_timeout_seconds=settings.lock_timeout_seconds,
        statement_timeout_seconds=settings.statement_timeout_seconds,
        pooling=settings.database_pooling,
        prepared_statements=settings.database_prepared_statements,
    )


class SessionConnection(AsyncConnection[TupleRow]):
    """A connection that knows whether it may be reused, and applies its settings behind a pooler."""

    spoiled: bool = False
    """A statement had an unexpected error or was interrupted, so the session's state is unknown."""
    outdated: bool = False
    """Other sessions of the same age are unusable too: the server is read-only, or plans are outdated."""
    local_settings: tuple[list[str], list[str]] | None = None
    """Names and values that each transaction sets; None if the session has them already."""

    async def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ANN401, ASYNC109 psycopg's own
        """Run a statement. Every statement passes through this method."""
        try:
            return await super().wait(gen, interval, timeout)
        except BaseException as error:
            if not isinstance(error, _ORDINARY):
                self._spoil(error)
            raise

    @asynccontextmanager
    async def transaction(
        self,
        savepoint_name: str | None = None,
        force_rollback: bool = False,  # noqa: FBT001, FBT002 psycopg's own
    ) -> AsyncIterator[AsyncTransaction]:
        """A transaction with the session's settings, or a savepoint within one."""
        outermost = self.info.transaction_status is TransactionStatus.IDLE
        async with super().transaction(savepoint_name, force_rollback) as begun:
            if outermost and self.local_settings is not None:
                await self.execute(_SET, [True, *self.local_settings])
            yield begun

    def _spoil(self, error: BaseException) -> None:
        self.outdated = self.outdated or isinstance(error, _OUTDATED)
        if not self.spoiled:
            self.spoiled = True
            # the text of an error may contain a customer's data
            reason = getattr(error, "sqlstate", None)
            # info only: the caller reports the error, and an outage produces one line per connection
            log.info("connection closed after an error", error=type(error).__name__, sqlstate=reason)


class _TransactionCursor(AsyncCursor[Row]):
    """A cursor that opens a transaction for a lone statement, so that the settings apply to it."""

    async def execute(
        self,
        query: Any,  # noqa: ANN401 psycopg has an overload for each kind
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> Self:
        """Run one statement."""
        if self.connection.info.transaction_status is not TransactionStatus.IDLE:
            return await super().execute(query, params, prepare=prepare, binary=binary)
        async with self.connection.transaction():
            return await super().execute(query, params, prepare=prepare, binary=binary)


class _UtcLoader(TimestamptzLoader):
    """Reads times as UTC, because a pooler's session may have any time zone."""

    def load(self, data: Buffer) -> datetime:
        return super().load(data).astimezone(UTC)


async def begin_session(connection: SessionConnection, rules: SessionRules) -> None:
    """Apply the rules to a new connection.

    Raises:
        psycopg.Error: PostgreSQL refused.
    """
    own_session = await _has_own_session(connection, rules.pooling)
    settings = _settings(rules)
    if own_session:
        await connection.execute(_SET, [False, list(settings), list(settings.values())])
    else:
        connection.local_settings = (list(settings), list(settings.values()))
        connection.cursor_factory = _TransactionCursor
        connection.adapters.register_loader("timestamptz", _UtcLoader)
    prepared = {
        PreparedStatements.AUTO: own_session,
        PreparedStatements.ALWAYS: True,
        PreparedStatements.NEVER: False,
    }[rules.prepared_statements]
    connection.prepare_threshold = PREPARE_THRESHOLD if prepared else None


async def _has_own_session(connection: SessionConnection, pooling: DatabasePooling) -> bool:
    if pooling is not DatabasePooling.AUTO:
        return pooling is not DatabasePooling.TRANSACTION
    # a pooler gives the client an invented process id; it does not reveal its mode
    cursor = await connection.execute("SELECT pg_backend_pid()")
    row = await cursor.fetchone()
    return row is not None and row[0] == connection.info.backend_pid


def _settings(rules: SessionRules) -> dict[str, str]:
    return {
        "TimeZone": "UTC",
        "lock_timeout": _milliseconds(rules.lock_timeout_seconds),
        "statement_timeout": _milliseconds(rules.statement_timeout_seconds),
        "idle_in_transaction_session_timeout": _milliseconds(IDLE_IN_TRANSACTION_SECONDS),
        # a trigger refuses to start campaigns of a higher format
        "leopard.known_format": str(KNOWN_FORMAT),
    }


def _milliseconds(seconds: float) -> str:
    # zero would mean no limit
    return str(max(round(seconds * 1000), 1))
