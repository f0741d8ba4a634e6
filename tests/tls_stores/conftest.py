"""Stores that speak TLS: RabbitMQ itself, and PgBouncer in front of a PostgreSQL that is built without TLS."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from leopard_local.__main__ import PACKAGES
from leopard_local.children import on_free_ports
from leopard_local.ports import free_port, release_port
from leopard_local.rabbitmq import RabbitMQ
from pooling.pgbouncer import pgbouncer
from support.stores import Backend
from tls_stores.certificates import SERVER, Certificate, Certificates, issue


@dataclass(frozen=True)
class TlsUrls:
    """One kind of store at four servers, which speak TLS and nothing else."""

    usual: str
    strict: str
    """Asks for a client certificate."""
    expired: str
    """Its certificate is too old."""
    elsewhere: str
    """Its certificate is for another host."""


@dataclass(frozen=True)
class TlsStores:
    """The servers, and the authority that issued their certificates."""

    certificates: Certificates
    database: TlsUrls
    broker: TlsUrls


@pytest.fixture(scope="package")
def stores(backend: Backend) -> Iterator[TlsStores]:
    """Started once for all tests."""
    with tempfile.TemporaryDirectory(prefix="leopard-tls-") as name, contextlib.ExitStack() as running:
        folder = Path(name)
        folder.chmod(0o755)
        certificates = issue(folder)
        migrated = backend.database_url("leopard_template")
        databases = [
            running.enter_context(
                pgbouncer(migrated, _subfolder(folder, number), mode="session", settings=_pooler_settings(*server))
            )
            for number, server in enumerate(_servers(certificates))
        ]
        brokers = running.enter_context(_rabbitmq(folder, certificates))
        yield TlsStores(
            certificates,
            TlsUrls(*(url.replace("127.0.0.1", SERVER) for url in databases)),
            TlsUrls(*brokers),
        )


def _servers(certificates: Certificates) -> list[tuple[Certificate, Path | None]]:
    """Certificate of each server, and the authority of client certificates where it asks for one."""
    return [
        (certificates.server, None),
        (certificates.server, certificates.authority),
        (certificates.expired, None),
        (certificates.elsewhere, None),
    ]


def _subfolder(folder: Path, number: int) -> Path:
    made = folder / f"pgbouncer-{number}"
    made.mkdir()
    made.chmod(0o777)
    return made


def _pooler_settings(server: Certificate, clients: Path | None) -> dict[str, str]:
    settings = {
        "client_tls_sslmode": "verify-ca" if clients else "require",
        "client_tls_cert_file": str(server.file),
        "client_tls_key_file": str(server.key),
    }
    return settings | ({"client_tls_ca_file": str(clients)} if clients else {})


_LISTENER: Final = (
    "rabbit_networking:start_ssl_listener({port}, ["
    '{{cacertfile,"{authority}"}},{{certfile,"{server.file}"}},{{keyfile,"{server.key}"}},{clients}], 2).'
)


@contextlib.contextmanager
def _rabbitmq(folder: Path, certificates: Certificates) -> Iterator[list[str]]:
    def start() -> RabbitMQ:
        rabbitmq = RabbitMQ(folder, PACKAGES)
        try:
            rabbitmq.start()
            rabbitmq.wait_until_up()
        except BaseException:
            rabbitmq.stop()
            raise
        return rabbitmq

    rabbitmq = on_free_ports(start)
    ports: list[int] = []
    try:
        for server, clients in _servers(certificates):
            ports.append(free_port())
            asked = "{verify,verify_peer},{fail_if_no_peer_cert,true}" if clients else "{verify,verify_none}"
            listener = _LISTENER.format(port=ports[-1], authority=certificates.authority, server=server, clients=asked)
            rabbitmq.control("eval", listener)
        yield [f"amqps://guest:guest@{SERVER}:{port}/" for port in ports]
    finally:
        rabbitmq.stop()
        rabbitmq.release_ports()
        for port in ports:
            release_port(port)
