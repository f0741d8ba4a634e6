"""A store's error is described in one line with store, host, port and user, and without the password."""

import asyncio
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import aio_pika
import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from leopard.store_errors import (
    describe_broker_error,
    describe_database_error,
    is_final_broker_error,
    is_final_database_error,
)
from password_roles import roles_with_passwords
from support.stores import Backend

PASSWORD = "s3cr3t-horse"  # noqa: S105 not a real password
ROLE = "someone_with_another_password"
ADMITTED_ROLE = "someone_with_this_password"


@pytest.fixture(scope="module")
def address(backend: Backend) -> Iterator[str]:
    """Host and port of a server that asks two roles for their passwords."""
    with roles_with_passwords(backend.admin_url, {ROLE: "another", ADMITTED_ROLE: PASSWORD}) as found:
        yield found


def database_error(conninfo: str) -> psycopg.Error:
    with pytest.raises(psycopg.OperationalError) as raised:
        psycopg.connect(conninfo, connect_timeout=5)
    return raised.value


def broker_error(url: str) -> Exception:
    async def connect() -> None:
        async with asyncio.timeout(8):
            await aio_pika.connect(url)

    with pytest.raises((aio_pika.exceptions.AMQPError, OSError)) as raised:
        asyncio.run(connect())
    return raised.value


@pytest.mark.parametrize(
    ("conninfo", "expected", "final"),
    [
        (f"postgresql://{ROLE}:{PASSWORD}@{{}}/postgres", "login refused", True),
        (f"postgresql://nosuchuser:{PASSWORD}@{{}}/postgres", "login refused", True),
        (f"postgresql://{ADMITTED_ROLE}:{PASSWORD}@{{}}/nosuchdatabase", "there is no such database", True),
        (f"postgresql://{ROLE}:{PASSWORD}@127.0.0.1:1,{{}}/postgres", "127.0.0.1:1 connection refused; ", False),
        (f"postgresql://leopard:{PASSWORD}@127.0.0.1:1/leopard", "connection refused", False),
        (f"host=nosuchhost.invalid user=leopard password={PASSWORD} dbname=x", "unknown host", False),
        (f"host=/nosuchsocket user=leopard password={PASSWORD}", "there is no server at this socket", False),
        (f"service=nosuchservice password={PASSWORD}", "the service is not defined in a service file", True),
        (f"postgresql://postgres:{PASSWORD}@{{}}/postgres?sslmode=require", "the server offers no TLS", True),
    ],
)
def test_a_database_error_is_one_line(address: str, conninfo: str, expected: str, *, final: bool) -> None:
    conninfo = conninfo.format(address)
    error = database_error(conninfo)
    line = describe_database_error(error, conninfo)
    assert line.startswith("PostgreSQL at ")
    assert expected in line
    assert PASSWORD not in line
    assert "\n" not in line
    assert is_final_database_error(error) is final
    assert describe_database_error(OperationalError("SELECT 1", {}, error), conninfo) == line


def test_a_refused_login_names_host_port_user_and_database(address: str) -> None:
    conninfo = f"postgresql://{ROLE}:{PASSWORD}@{address}/postgres"
    expected = f"PostgreSQL at {address} (user {ROLE}, database postgres): login refused"
    assert describe_database_error(database_error(conninfo), conninfo) == expected


def test_the_error_of_a_statement_shows_no_row_values(backend: Backend) -> None:
    with psycopg.connect(backend.admin_url) as connection:
        # the server's own log would have the value too
        connection.execute("SET log_min_messages = 'panic'")
        with pytest.raises(psycopg.Error) as raised:
            connection.execute("SELECT '+254700123456'::int")
    assert "254700123456" in str(raised.value)
    assert "254700123456" not in describe_database_error(raised.value, backend.admin_url)


def test_a_password_that_a_library_quotes_is_not_shown() -> None:
    error = psycopg.OperationalError(f"the password is {PASSWORD}")
    assert PASSWORD not in describe_database_error(error, f"postgresql://u:{PASSWORD}@h/d")
    # an unencoded @ in a password makes the rest of the password a part of the host
    conninfo = f"postgresql://u:first@{PASSWORD}@nosuchhost.invalid/d"
    assert PASSWORD not in describe_database_error(database_error(conninfo), conninfo)


@pytest.mark.parametrize(
    ("url", "expected", "final"),
    [
        (f"amqp://guest:{PASSWORD}@{{}}/", "(user guest, virtual host /): login refused", True),
        (f"amqp://nosuchuser:{PASSWORD}@{{}}/", "(user nosuchuser, virtual host /): login refused", True),
        ("amqp://guest:guest@{}/nosuch", "virtual host nosuch): the virtual host does not exist, or", True),
        (f"amqp://guest:{PASSWORD}@127.0.0.1:1/", "RabbitMQ at 127.0.0.1:1 (user guest", False),
        (f"amqp://guest:{PASSWORD}@127.0.0.1:1/", "connection refused", False),
        (f"amqp://guest:{PASSWORD}@nosuchhost.invalid/", "RabbitMQ at nosuchhost.invalid:5672 (user guest", False),
        (f"amqp://guest:{PASSWORD}@nosuchhost.invalid/", "unknown host", False),
        (f"amqps://guest:{PASSWORD}@{{}}/", "TLS failed", True),
    ],
)
def test_a_broker_error_is_one_line(backend: Backend, url: str, expected: str, *, final: bool) -> None:
    url = url.format(urlsplit(backend.amqp_url).netloc.rsplit("@", 1)[-1])
    error = broker_error(url)
    line = describe_broker_error(error, url)
    assert line.startswith("RabbitMQ at ")
    assert expected in line
    assert PASSWORD not in line
    assert "\n" not in line
    assert is_final_broker_error(error) is final


@pytest.mark.parametrize(
    "reason",
    [
        "CA cert does not include key usage extension",
        "Missing Authority Key Identifier",
        "Basic Constraints of CA cert not marked critical",
    ],
)
def test_a_certificate_that_python_rejects_and_libpq_accepts_is_reported(reason: str) -> None:
    text = f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {reason} (_ssl.c:1029)"
    error = ssl.SSLCertVerificationError(1, text)
    line = describe_broker_error(error, "amqps://u:p@mq.example.com/")
    assert line.endswith(": TLS failed: the server's certificate, or that of its authority, breaks RFC 5280")
    assert is_final_broker_error(error)


def test_a_server_that_is_not_rabbitmq_is_reported(backend: Backend) -> None:
    url = f"amqp://guest:{PASSWORD}@{urlsplit(backend.admin_url).netloc.rsplit('@', 1)[-1]}/"
    assert "is this RabbitMQ?" in describe_broker_error(broker_error(url), url)
