"""Migrations create the tables that the code expects, and can run repeatedly and concurrently."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from psycopg import sql

from leopard.cli.main import main
from leopard.db.migration import alembic_config, migrate, migration_engine
from leopard.db.pool import Connection
from leopard.db.schema import SchemaNotReadyError, newest_revision, schema_is_current, wait_for_schema
from support.factories import add_campaign, add_customers, add_messages, counts, rows
from support.stores import Backend


@pytest.fixture
def empty_database_url(backend: Backend) -> str:
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(backend.admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return backend.database_url(name)


def test_there_is_one_head() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [newest_revision()]


def test_the_migrations_create_the_tables_of_the_models(database_url: str) -> None:
    engine = migration_engine(database_url)
    with engine.connect() as connection:
        command.check(alembic_config(connection))
    engine.dispose()


def test_migrating_twice_changes_nothing(empty_database_url: str) -> None:
    assert migrate(empty_database_url) == (None, newest_revision())
    assert migrate(empty_database_url) == (newest_revision(), newest_revision())


def test_concurrent_migrations_run_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(migrate, [empty_database_url] * 4))
    assert sorted(before or "" for before, _ in results) == ["", *[newest_revision()] * 3]
    assert {after for _, after in results} == {newest_revision()}


def test_a_downgrade_removes_everything_and_an_upgrade_works_again(empty_database_url: str) -> None:
    migrate(empty_database_url)
    engine = migration_engine(empty_database_url)
    with engine.connect() as connection:
        command.downgrade(alembic_config(connection), "base")
    engine.dispose()
    with psycopg.connect(empty_database_url) as connection:
        left = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert left == [("alembic_version",)]
    assert migrate(empty_database_url) == (None, newest_revision())


def test_migrate_prints_what_it_did(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEOPARD_DATABASE_URL", empty_database_url)
    assert main(["migrate"]) == 0
    assert main(["migrate"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"schema migrated from nothing to {newest_revision()}",
        f"schema already at {newest_revision()}",
    ]


def test_wait_for_schema_waits_for_a_migration(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEOPARD_DATABASE_URL", empty_database_url)
    assert main(["wait-for-schema", "--wait-seconds", "0.1"]) == 1
    assert "schema is older" in capsys.readouterr().err
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(main, ["wait-for-schema", "--wait-seconds", "60"])
        migrate(empty_database_url)
        assert waiting.result() == 0


def test_migrations_can_use_a_separate_url(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEOPARD_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/a_pooler")
    monkeypatch.setenv("LEOPARD_MIGRATION_DATABASE_URL", empty_database_url)
    assert main(["migrate", "--wait-seconds", "5"]) == 0
    assert "schema migrated from nothing" in capsys.readouterr().out


def test_a_migration_waits_for_a_table_in_use_and_lets_other_statements_pass(empty_database_url: str) -> None:
    engine = migration_engine(empty_database_url)
    with engine.connect() as connection:
        command.upgrade(alembic_config(connection), "0001")
    engine.dispose()
    with ThreadPoolExecutor(1) as pool, psycopg.connect(empty_database_url, autocommit=True) as other:
        with psycopg.connect(empty_database_url) as using:
            using.execute("SELECT FROM campaigns")
            migrating = pool.submit(migrate, empty_database_url)
            let_through = 0
            while let_through < 2:
                assert not migrating.done()
                waiting = other.execute("SELECT FROM pg_locks WHERE relation = 'campaigns'::regclass AND NOT granted")
                if waiting.rowcount > 0:
                    # waits behind the migration until that releases its place in the lock queue
                    other.execute("SELECT FROM campaigns")
                    let_through += 1
        assert migrating.result() == ("0001", newest_revision())


async def test_wait_for_schema_ends_in_time_during_a_migration(database_url: str, connection: Connection) -> None:
    async with connection.transaction(), asyncio.timeout(30):
        await connection.execute("LOCK TABLE alembic_version")
        with pytest.raises(SchemaNotReadyError, match="a migration is running"):
            await wait_for_schema(database_url, seconds=0.1)


async def test_an_outdated_or_missing_schema_is_not_current(connection: Connection) -> None:
    assert await schema_is_current(connection)
    await connection.execute("UPDATE alembic_version SET version_num = '0000'")
    assert not await schema_is_current(connection)
    await connection.execute("DROP TABLE alembic_version")
    assert not await schema_is_current(connection)


async def test_messages_of_a_deleted_customer_are_subtracted_from_the_counts(connection: Connection) -> None:
    customers = await add_customers(connection, 3)
    campaign_id = await add_campaign(connection)
    await add_messages(connection, campaign_id, customers)
    await connection.execute("UPDATE outbound_messages SET status = 'sent' WHERE customer_id = %s", [customers[0]])
    await connection.execute("UPDATE campaign_counts SET sent = 1")
    await connection.execute("DELETE FROM customers WHERE id = %s", [customers[0]])
    assert await counts(connection, campaign_id) == {"total": 2}
    await connection.execute("DELETE FROM customers WHERE id = %s", [customers[1]])
    assert await counts(connection, campaign_id) == {"total": 1}


async def test_deleting_a_campaign_deletes_its_messages_chunks_and_counts(connection: Connection) -> None:
    campaign_id = await add_campaign(connection)
    await add_messages(connection, campaign_id, await add_customers(connection, 3))
    await connection.execute("DELETE FROM campaigns WHERE id = %s", [campaign_id])
    for table in ("outbound_messages", "campaign_chunks", "campaign_counts"):
        assert await rows(connection, f"SELECT * FROM {table}") == []


def test_an_index_that_a_failed_build_has_left_is_built_again(empty_database_url: str) -> None:
    with migration_engine(empty_database_url).connect() as engine:
        command.upgrade(alembic_config(engine), "0006")
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        before = ScriptDirectory.from_config(alembic_config()).get_revision("0006").down_revision
        connection.execute("UPDATE alembic_version SET version_num = %s", [before])
        connection.execute("DROP INDEX idx_customers_attributes")
        connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_customers_location'::regclass"
        )
    migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        valid = connection.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid::regclass::text LIKE 'idx_customers_%'"
        ).fetchall()
    assert valid == [(True,), (True,)]
