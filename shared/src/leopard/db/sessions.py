"""What a session with PostgreSQL is set to: time-outs, UTC, prepared statements.

Nothing is sent as start-up `options`, which PgBouncer refuses. A server session of one's own is set once. Behind a
pooler that gives each transaction another server session nothing may outlive a transaction, so each transaction begins
with its own `SET LOCAL`.
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

from leopard.settings import DatabasePooling, PreparedStatements, ServiceSettings
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

PREPARE_THRESHOLD: Final = 5
"""A statement is prepared when it runs for the sixth time on one connection; psycopg's own default."""

IDLE_IN_TRANSACTION_SECONDS: Final = 60
"""PostgreSQL ends a session whose process stopped in the middle of a transaction."""

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
    """How long statements may take, in seconds, and what stands between a service and PostgreSQL."""

    lock_timeout_seconds: float = 5
    statement_timeout_seconds: float = 30
    pooling: DatabasePooling = DatabasePooling.AUTO
    prepared_statements: PreparedStatements = PreparedStatements.AUTO


def session_rules(settings: ServiceSettings) -> SessionRules:
    """The rules that a service's settings give."""
    return SessionRules(
        lock_timeout_seconds=settings.lock_timeout_seconds,
        statement_timeout_seconds=settings.statement_timeout_seconds,
        pooling=settings.database_pooling,
        prepared_statements=settings.database_prepared_statements,
    )


class SessionConnection(AsyncConnection[TupleRow]):
    """A connection that knows whether it may be used again, and bounds its transactions behind a pooler."""

    spoiled: bool = False
    """A statement met an unexpected error, or was interrupted: the state of the session is not known."""
    outdated: bool = False
    """The error says that sessions of the same age are of no use either: a read-only server, a plan of old tables."""
    local_settings: tuple[list[str], list[str]] | None = None
    """Names and values that each transaction begins with; null where the session has them already."""

    async def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ANN401, ASYNC109 psycopg's own
        """Run a statement; every one of them passes here."""
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
        """A transaction with the session's settings in force, or a savepoint within one."""
        outermost = self.info.transaction_status is TransactionStatus.IDLE
        async with super().transaction(savepoint_name, force_rollback) as begun:
            if outermost and self.local_settings is not None:
                await self.execute(_SET, [True, *self.local_settings])
            yield begun

    def _spoil(self, error: BaseException) -> None:
        self.outdated = self.outdated or isinstance(error, _OUTDATED)
        if not self.spoiled:
            self.spoiled = True
            # the words of an error may quote a customer's data
            reason = getattr(error, "sqlstate", None)
            # the caller says what went wrong; in an outage there is one of these for each connection
            log.info("a connection is closed after an error", error=type(error).__name__, sqlstate=reason)


class _TransactionCursor(AsyncCursor[Row]):
    """A cursor whose statement gets a transaction where there is none, so that it gets the settings too."""

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
    """Reads times as UTC, whatever the time zone of the session that a pooler gave."""

    def load(self, data: Buffer) -> datetime:
        return super().load(data).astimezone(UTC)


async def begin_session(connection: SessionConnection, rules: SessionRules) -> None:
    """Set a new connection up by the rules.

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
    # a pooler makes up the process id that a client is given; what mode it is in it does not say
    cursor = await connection.execute("SELECT pg_backend_pid()")
    row = await cursor.fetchone()
    return row is not None and row[0] == connection.info.backend_pid


def _settings(rules: SessionRules) -> dict[str, str]:
    return {
        "TimeZone": "UTC",
        "lock_timeout": _milliseconds(rules.lock_timeout_seconds),
        "statement_timeout": _milliseconds(rules.statement_timeout_seconds),
        "idle_in_transaction_session_timeout": _milliseconds(IDLE_IN_TRANSACTION_SECONDS),
    }


def _milliseconds(seconds: float) -> str:
    # zero would mean no bound at all
    return str(max(round(seconds * 1000), 1))
