"""An authority of the tests, and the certificates that it issues."""

import os
import pwd
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

SERVER = "localhost"


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, as files in PEM."""

    file: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """An authority, and certificates of servers and of a client that it issued; the stranger is another authority."""

    authority: Path
    stranger: Path
    server: Certificate
    expired: Certificate
    elsewhere: Certificate
    client: Certificate


def issue(folder: Path) -> Certificates:
    """Write new certificates into a folder."""
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    stranger.cert_pem.write_to_path(folder / "stranger.pem")
    day, now = timedelta(days=1), datetime.now(UTC)

    def write(name: str, issued: trustme.LeafCert) -> Certificate:
        written = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(written.file)
        issued.private_key_pem.write_to_path(written.key)
        written.key.chmod(0o600)
        if os.geteuid() == 0 and name != "client":
            # PgBouncer runs as nobody
            os.chown(written.key, pwd.getpwnam("nobody").pw_uid, -1)
        return written

    return Certificates(
        folder / "ca.pem",
        folder / "stranger.pem",
        write("server", authority.issue_cert(SERVER)),
        write("expired", authority.issue_cert(SERVER, not_before=now - 2 * day, not_after=now - day)),
        write("elsewhere", authority.issue_cert("elsewhere.example.com")),
        write("client", authority.issue_cert("leopard@example.com", common_name="leopard")),
    )
