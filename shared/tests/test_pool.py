"""The pool reuses a connection only if the state of its session is known."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio
from psycopg import errors, sql

from leopard.db.pool import DATABASE_UNAVAILABLE, Connection, Pool, create_pool
from leopard.db.sessions import SessionRules
from leopard.settings import DatabasePooling, PreparedStatements
from support.factories import add_customers, rows


@pytest_asyncio.fixture
async def single(database_url: str) -> AsyncIterator[Pool]:
    """A pool of one connection. The next caller gets the same connection, or a new one."""
    async with create_pool(database_url, size=1, application="tests") as opened:
        yield opened


async def session_of(pool: Pool) -> int:
    async with pool.connection() as connection:
        return connection.info.backend_pid


async def setting(connection: Connection, name: str) -> str:
    [row] = await rows(connection, "SELECT current_setting(%s) AS value", name)
    return str(row["value"])


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELECT * FROM nothing_of_that_name", errors.UndefinedTable),
        ("SELECT 1 / 0", errors.DivisionByZero),
        ("SELECT 'x'::int", errors.InvalidTextRepresentation),
        ("SET TRANSACTION READ ONLY; CREATE TABLE refused ()", errors.ReadOnlySqlTransaction),
        ("SELECT pg_terminate_backend(pg_backend_pid())", errors.AdminShutdown),
    ],
)
async def test_an_unexpected_error_closes_the_connection(
    single: Pool, statement: str, error: type[psycopg.Error]
) -> None:
    before = await session_of(single)
    with pytest.raises(error):
        async with single.connection() as connection:
            await connection.execute(statement)
    assert await session_of(single) != before


async def test_an_error_that_the_caller_catches_also_closes_the_connection(single: Pool) -> None:
    before = await session_of(single)
    async with single.connection() as connection:
        with pytest.raises(errors.UndefinedTable):
            await connection.execute("SELECT * FROM nothing_of_that_name")
    assert await session_of(single) != before


async def test_an_expected_error_keeps_the_connection(single: Pool, connection: Connection) -> None:
    [customer] = await add_customers(connection, 1)
    before = await session_of(single)
    with pytest.raises(errors.UniqueViolation):
        async with single.connection() as own:
            await own.execute("INSERT INTO customers (phone) SELECT phone FROM customers")
    async with single.connection() as own:
        await own.execute("SET statement_timeout = 50")
        with pytest.raises(errors.QueryCanceled):
            await own.execute("SELECT pg_sleep(60)")
    async with connection.transaction():
        await connection.execute("SELECT FROM customers WHERE id = %s FOR UPDATE", [customer])
        with pytest.raises(errors.LockNotAvailable):
            async with single.connection() as own:
                await own.execute("SELECT FROM customers WHERE id = %s FOR UPDATE NOWAIT", [customer])
    assert await session_of(single) == before


async def test_an_exception_of_the_caller_rolls_back_and_keeps_the_connection(
    single: Pool, connection: Connection
) -> None:
    before = await session_of(single)

    async def fail() -> None:
        async with single.connection() as own, own.transaction():
            await add_customers(own, 1)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await session_of(single) == before
    assert await rows(connection, "SELECT FROM customers") == []


@pytest.mark.parametrize("in_transaction", [False, True])
async def test_a_cancelled_statement_closes_the_connection(single: Pool, *, in_transaction: bool) -> None:
    before = await session_of(single)
    asked = asyncio.Event()

    async def ask() -> None:
        async with single.connection() as connection:
            if in_transaction:
                await connection.execute("BEGIN")
            asked.set()
            await connection.execute("SELECT pg_sleep(60)")

    asking = asyncio.create_task(ask())
    await asked.wait()
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await session_of(single) != before


async def test_after_a_failover_one_failure_replaces_every_read_only_connection(
    database_url: str, connection: Connection
) -> None:
    name = sql.Identifier(connection.info.dbname)
    read_only = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}")
    await connection.execute(read_only.format(name, sql.SQL("on")))
    async with create_pool(database_url, size=5, application="tests") as pool:
        opened = asyncio.Barrier(5)

        async def look() -> None:
            async with pool.connection():
                await opened.wait()

        await asyncio.gather(*(look() for _ in range(5)))
        await connection.execute(read_only.format(name, sql.SQL("off")))
        with pytest.raises(DATABASE_UNAVAILABLE):
            async with pool.connection() as own:
                await add_customers(own, 1)
        for number in range(10):
            async with pool.connection() as own:
                await add_customers(own, 1, first_number=number)


async def test_after_a_change_of_a_column_one_failure_replaces_every_outdated_plan(
    database_url: str, connection: Connection
) -> None:
    statement = "SELECT first_name FROM customers"
    async with create_pool(database_url, size=3, application="tests") as pool:
        for _ in range(10):
            prepared = asyncio.Barrier(3)

            async def ask(barrier: asyncio.Barrier = prepared) -> None:
                async with pool.connection() as own:
                    await barrier.wait()
                    await own.execute(statement)

            await asyncio.gather(*(ask() for _ in range(3)))
        await connection.execute("ALTER TABLE customers ALTER COLUMN first_name TYPE varchar(300)")
        with pytest.raises(DATABASE_UNAVAILABLE):
            async with pool.connection() as own:
                await own.execute(statement)
        for _ in range(10):
            async with pool.connection() as own:
                await own.execute(statement)


@pytest.mark.parametrize("pooling", list(DatabasePooling))
async def test_timeouts_and_time_zone_apply_to_every_statement_and_transaction(
    database_url: str, connection: Connection, pooling: DatabasePooling
) -> None:
    name = sql.Identifier(connection.info.dbname)
    await connection.execute(sql.SQL("ALTER DATABASE {} SET timezone = 'Asia/Kolkata'").format(name))
    rules = SessionRules(lock_timeout_seconds=1.5, statement_timeout_seconds=0.7, pooling=pooling)
    wanted = {
        "lock_timeout": "1500ms",
        "statement_timeout": "700ms",
        "idle_in_transaction_session_timeout": "1min",
        "TimeZone": "UTC",
    }
    async with create_pool(database_url, size=1, application="tests", rules=rules) as pool:
        async with pool.connection() as own:
            assert {name: await setting(own, name) for name in wanted} == wanted
            async with own.transaction():
                async with own.transaction():
                    assert {name: await setting(own, name) for name in wanted} == wanted
                assert {name: await setting(own, name) for name in wanted} == wanted
            [row] = await rows(own, "SELECT now() AS now")
            assert row["now"].utcoffset().total_seconds() == 0
        with pytest.raises(errors.QueryCanceled):
            async with pool.connection() as own:
                await own.execute("SELECT pg_sleep(60)")


async def test_a_transaction_pooler_gets_no_prepared_statement_and_no_session_setting(database_url: str) -> None:
    rules = SessionRules(pooling=DatabasePooling.TRANSACTION)
    async with create_pool(database_url, size=1, application="tests", rules=rules) as pool:
        async with pool.connection() as own:
            for _ in range(10):
                assert await setting(own, "lock_timeout") == "5s"
            assert await rows(own, "SELECT FROM pg_prepared_statements") == []
        async with pool.connection() as own:
            own.local_settings = None
            assert await setting(own, "lock_timeout") == "0"


async def test_prepared_statements_can_be_allowed_behind_a_transaction_pooler(database_url: str) -> None:
    rules = SessionRules(pooling=DatabasePooling.TRANSACTION, prepared_statements=PreparedStatements.ALWAYS)
    async with create_pool(database_url, size=1, application="tests", rules=rules) as pool, pool.connection() as own:
        for _ in range(10):
            await setting(own, "lock_timeout")
        assert await rows(own, "SELECT FROM pg_prepared_statements") != []


async def test_a_dedicated_session_prepares_repeated_statements(single: Pool) -> None:
    async with single.connection() as own:
        for _ in range(10):
            await setting(own, "lock_timeout")
        assert await rows(own, "SELECT FROM pg_prepared_statements") != []
