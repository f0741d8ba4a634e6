"""Create roles that need a password, in a PostgreSQL that trusts all other roles."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

_READ_RULES = "SELECT pg_read_file(current_setting('hba_file'))"


@contextmanager
def roles_with_passwords(admin_url: str, passwords: dict[str, str]) -> Iterator[str]:
    """Create roles with passwords. Yield host and port of the server."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        found = connection.execute(_READ_RULES).fetchone()
        assert found is not None
        for role, password in passwords.items():
            create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(create.format(sql.Identifier(role), password))
        _write_rules(connection, f"host all {','.join(passwords)} all scram-sha-256\n{found[0]}")
        yield urlsplit(admin_url).netloc.rsplit("@", 1)[-1]
        _write_rules(connection, found[0])
        for role in passwords:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def _write_rules(connection: psycopg.Connection, rules: str) -> None:
    path = connection.execute("SELECT current_setting('hba_file')").fetchone()
    assert path is not None
    # COPY would write an empty line as a quoted empty value
    lines = sql.SQL(", ").join(sql.Literal(line) for line in rules.splitlines() if line and not line.startswith("#"))
    connection.execute(
        sql.SQL("COPY (SELECT unnest(ARRAY[{}])) TO {} (DELIMITER E'\\x01', FORMAT csv, QUOTE E'\\x02')").format(
            lines, sql.Literal(path[0])
        )
    )
    connection.execute("SELECT pg_reload_conf()")
    # wait for the reload, so that new sessions use the new rules
    connection.execute("SELECT pg_sleep(0.3)")
