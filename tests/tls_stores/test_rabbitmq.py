"""Commands and services connect to RabbitMQ over TLS, or end with one line that says why not."""

import asyncio
from pathlib import Path

import pytest

from leopard.broker.connection import create_broker
from leopard.broker.topology import declare_topology
from leopard.cli.main import main
from leopard.settings import BrokerSettings, read_settings
from tls_stores.conftest import TlsStores


def configure(monkeypatch: pytest.MonkeyPatch, url: str, **files: Path) -> None:
    monkeypatch.setenv("LEOPARD_AMQP_URL", url)
    for name, file in files.items():
        monkeypatch.setenv(f"LEOPARD_AMQP_{name.upper()}_FILE", str(file))


async def connect_as_a_service() -> None:
    url = read_settings(BrokerSettings).amqp_url.get_secret_value()
    broker = create_broker(url, service="test", shutdown_seconds=1)
    await broker.connect_in_time()
    await declare_topology(broker)
    await broker.stop()


def test_a_private_authority_is_given_by_a_setting(stores: TlsStores, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, stores.broker.usual, ca=stores.certificates.authority)
    asyncio.run(connect_as_a_service())
    assert main(["dead-letters", "list"]) == 0


def test_a_client_certificate_is_shown(stores: TlsStores, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = stores.certificates
    configure(
        monkeypatch, stores.broker.strict, ca=issued.authority, certificate=issued.client.file, key=issued.client.key
    )
    asyncio.run(connect_as_a_service())
    assert main(["dead-letters", "list"]) == 0


def test_certificates_in_the_url_take_precedence(stores: TlsStores, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = stores.certificates
    query = f"?cafile={issued.authority}&certfile={issued.client.file}&keyfile={issued.client.key}"
    configure(monkeypatch, stores.broker.strict + query, ca=issued.stranger)
    asyncio.run(connect_as_a_service())


@pytest.mark.parametrize(
    ("server", "authority", "problem"),
    [
        ("usual", "stranger", "the server's certificate is not trusted"),
        ("expired", "authority", "the server's certificate has expired"),
        ("elsewhere", "authority", "the server's certificate is for another host"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    server: str,
    authority: str,
    problem: str,
    stores: TlsStores,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(monkeypatch, getattr(stores.broker, server), ca=getattr(stores.certificates, authority))
    assert main(["dead-letters", "list", "--wait-seconds", "1"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("RabbitMQ at localhost:")
    assert line.endswith(f": TLS failed: {problem}")


def test_a_missing_client_certificate_is_told(
    stores: TlsStores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(monkeypatch, stores.broker.strict, ca=stores.certificates.authority)
    assert main(["dead-letters", "list", "--wait-seconds", "1"]) == 1
    # with TLS 1.3 RabbitMQ judges the client after the handshake, and its alert may be lost
    assert "client certificate" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("name", ["ca", "certificate"])
def test_files_without_tls_prevent_the_start(
    name: str, stores: TlsStores, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    issued = stores.certificates
    files = {
        "ca": {"ca": issued.authority},
        "certificate": {"certificate": issued.client.file, "key": issued.client.key},
    }
    configure(monkeypatch, "amqp://localhost/", **files[name])
    assert main(["dead-letters", "list"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"LEOPARD_AMQP_{name.upper()}_FILE is of no use: the URL does not begin with amqps://"
    ]
