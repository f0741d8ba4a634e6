"""Commands and services connect to PostgreSQL over TLS, or end with one line that says why not."""

import os
from pathlib import Path

import pytest

from leopard import certificates
from leopard.cli.main import main
from tls_stores.certificates import Certificates
from tls_stores.conftest import TlsStores

VERIFIED = "?sslmode=verify-full"
COMMANDS = [["migrate", "--wait-seconds", "1"], ["wait-for-schema", "--wait-seconds", "1"]]
OPEN_KEY = "may be read by others; libpq needs mode 0600, or 0640 if root owns the file"
every_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])


@pytest.fixture(autouse=True)
def _without_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def configure(monkeypatch: pytest.MonkeyPatch, url: str, **files: Path) -> None:
    monkeypatch.setenv("LEOPARD_DATABASE_URL", url)
    for name, file in files.items():
        monkeypatch.setenv(f"LEOPARD_DATABASE_{name.upper()}_FILE", str(file))


def as_client(issued: Certificates) -> dict[str, Path]:
    return {"certificate": issued.client.file, "key": issued.client.key}


@every_command
@pytest.mark.parametrize("query", ["", VERIFIED, "?sslmode=verify-ca", "?sslrootcert=system"])
def test_a_private_authority_is_given_by_a_setting(
    command: list[str], query: str, stores: TlsStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, stores.database.usual + query, ca=stores.certificates.authority)
    assert main(command) == 0


@every_command
@pytest.mark.parametrize("query", [VERIFIED, "?sslrootcert=system", f"{VERIFIED}&sslrootcert=system"])
def test_a_public_authority_needs_no_setting(
    command: list[str], query: str, stores: TlsStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "public_authorities", lambda: stores.certificates.authority)
    configure(monkeypatch, stores.database.usual + query)
    assert main(command) == 0


def test_a_direct_url_for_migrations_uses_the_same_certificates(
    stores: TlsStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(
        monkeypatch,
        "postgresql://nobody@127.0.0.1:1/a_pooler",
        ca=stores.certificates.authority,
        **as_client(stores.certificates),
    )
    monkeypatch.setenv("LEOPARD_MIGRATION_DATABASE_URL", stores.database.strict)
    assert main(["migrate", "--wait-seconds", "1"]) == 0


def test_a_client_certificate_is_shown(stores: TlsStores, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, stores.database.strict, ca=stores.certificates.authority, **as_client(stores.certificates))
    assert main(["wait-for-schema", "--wait-seconds", "1"]) == 0


def test_certificates_in_the_url_take_precedence(stores: TlsStores, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = stores.certificates
    query = f"{VERIFIED}&sslrootcert={issued.authority}&sslcert={issued.client.file}&sslkey={issued.client.key}"
    configure(monkeypatch, stores.database.strict + query, ca=issued.stranger)
    assert main(["wait-for-schema", "--wait-seconds", "1"]) == 0


@every_command
@pytest.mark.parametrize(
    ("server", "authority", "problem"),
    [
        ("usual", "stranger", "the server's certificate is not trusted"),
        ("expired", "authority", "the server's certificate is not trusted"),
        ("elsewhere", "authority", "the server's certificate is for another host"),
        ("strict", "authority", "the server asks for a client certificate"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    command: list[str],
    server: str,
    authority: str,
    problem: str,
    stores: TlsStores,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(monkeypatch, getattr(stores.database, server), ca=getattr(stores.certificates, authority))
    assert main(command) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("PostgreSQL at localhost:")
    assert line.endswith(f": TLS failed: {problem}")


@pytest.mark.parametrize("case", ["missing", "no certificate", "no key", "other key", "open key", "unverified"])
def test_a_wrong_file_prevents_the_start(
    case: str, stores: TlsStores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    issued = stores.certificates
    text = tmp_path / "text"
    text.write_text("no PEM")
    open_key = tmp_path / "open.key"
    open_key.write_bytes(issued.client.key.read_bytes())
    open_key.chmod(0o644)
    files, query, said = {
        "missing": ({"ca": tmp_path / "none"}, "", f"LEOPARD_DATABASE_CA_FILE: there is no file {tmp_path}/none"),
        "no certificate": ({"ca": text}, "", f"LEOPARD_DATABASE_CA_FILE: {text} holds no certificate in PEM"),
        "no key": (
            {"certificate": issued.client.file},
            "",
            "LEOPARD_DATABASE_KEY_FILE is needed with LEOPARD_DATABASE_CERTIFICATE_FILE",
        ),
        "other key": (
            {"certificate": issued.server.file, "key": issued.client.key},
            "",
            "LEOPARD_DATABASE_KEY_FILE is not the unencrypted key of LEOPARD_DATABASE_CERTIFICATE_FILE, in PEM",
        ),
        "open key": (
            {"certificate": issued.client.file, "key": open_key},
            "",
            f"LEOPARD_DATABASE_KEY_FILE: {open_key} {OPEN_KEY}",
        ),
        "unverified": (
            {"ca": issued.authority},
            "?sslmode=prefer",
            "LEOPARD_DATABASE_CA_FILE is of no use: sslmode=prefer in the URL verifies no certificate",
        ),
    }[case]
    configure(monkeypatch, stores.database.usual + query, **files)
    assert main(["migrate"]) == 2
    assert capsys.readouterr().err.splitlines() == [said]


def test_public_authorities_exist_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert certificates.public_authorities().is_file()
    monkeypatch.setattr(certificates, "_DEBIAN_AUTHORITIES", Path("/none"))
    monkeypatch.setenv("SSL_CERT_FILE", "/none")
    assert certificates.public_authorities().is_file()
    assert os.environ["SSL_CERT_FILE"] == "/none"
