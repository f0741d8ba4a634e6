"""`leopard migrate` and `leopard wait-for-schema`: update the database schema, or wait for it."""

import asyncio
from typing import Annotated

import typer

from leopard.cli.arguments import seconds
from leopard.cli.failures import CommandError


def migrate(
    wait_seconds: Annotated[
        float,
        typer.Option(
            parser=seconds, metavar="SECONDS", help="How long to wait for PostgreSQL, and then for tables in use."
        ),
    ] = 60,
) -> None:
    """Bring the schema up to date. Safe to run at any time, and by several processes at once."""
    from sqlalchemy.exc import DBAPIError

    from leopard.db import migration
    from leopard.settings import MigrationSettings, read_settings
    from leopard.store_errors import describe_database_error

    database_url = read_settings(MigrationSettings).url()
    try:
        before, after = migration.migrate(database_url, wait_seconds=wait_seconds)
    except DBAPIError as error:
        raise CommandError(describe_database_error(error, database_url)) from error
    state = "already at" if before == after else f"migrated from {before or 'nothing'} to"
    print(f"schema {state} {after}")


def wait_for_schema(
    wait_seconds: Annotated[float, typer.Option(parser=seconds, metavar="SECONDS", help="How long to wait.")] = 300,
) -> None:
    """Wait until the schema is new enough for this version."""
    import psycopg

    from leopard.db import schema
    from leopard.settings import DatabaseSettings, read_settings
    from leopard.store_errors import describe_database_error

    database_url = read_settings(DatabaseSettings).database_url.get_secret_value()
    try:
        asyncio.run(schema.wait_for_schema(database_url, seconds=wait_seconds))
    except schema.SchemaNotReadyError as error:
        raise CommandError(str(error)) from error
    except psycopg.Error as error:
        raise CommandError(describe_database_error(error, database_url)) from error
