"""Certificates of TLS connections to PostgreSQL and RabbitMQ: checked at the start, then named in the stores' URLs.

A certificate that a URL names itself takes precedence over a setting.
"""

import os
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import certifi
from psycopg.conninfo import conninfo_to_dict, make_conninfo

_DEBIAN_AUTHORITIES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
_UNVERIFIED: Final = frozenset({"disable", "allow", "prefer"})
_VERIFIED: Final = frozenset({"verify-ca", "verify-full"})


@dataclass(frozen=True)
class CertificateFiles:
    """The files of one store's TLS connections, each optional; certificate and key belong together."""

    setting: str
    """How the names of the settings begin, for messages: LEOPARD_DATABASE."""
    authorities: Path | None
    certificate: Path | None
    key: Path | None

    def check_pair(self) -> None:
        """Check that certificate and key are both given and belong together.

        Raises:
            ValueError: They do not; names the setting.
        """
        if (self.certificate is None) != (self.key is None):
            missing = "KEY" if self.key is None else "CERTIFICATE"
            given = "CERTIFICATE" if self.key is None else "KEY"
            raise ValueError(f"{self.setting}_{missing}_FILE is needed with {self.setting}_{given}_FILE")
        if self.certificate is None or self.key is None:
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            # without a password OpenSSL would ask for one on the terminal
            context.load_cert_chain(self.certificate, self.key, password="")
        except (OSError, ssl.SSLError, ValueError):
            raise ValueError(
                f"{self.setting}_KEY_FILE is not the unencrypted key of {self.setting}_CERTIFICATE_FILE, in PEM"
            ) from None


def checked_authorities(file: Path) -> Path:
    """A file with certificates of authorities, in PEM.

    Raises:
        ValueError: It cannot be read or holds no certificate; says why.
    """
    _check_readable(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=file)
    except ssl.SSLError:
        raise ValueError(f"{file} holds no certificate in PEM") from None
    return file


def checked_file(file: Path) -> Path:
    """A file that this process can read.

    Raises:
        ValueError: It cannot; says why.
    """
    _check_readable(file)
    return file


def checked_libpq_key(file: Path) -> Path:
    """A private key that libpq accepts.

    Raises:
        ValueError: It cannot be read, or others may read it; says why.
    """
    _check_readable(file)
    found = file.stat()
    # libpq's own rule; it is told only at the first connection
    refused = stat.S_IRWXO | (stat.S_IWGRP | stat.S_IXGRP if found.st_uid == 0 else stat.S_IRWXG)
    if found.st_mode & refused:
        raise ValueError(f"{file} may be read by others; libpq needs mode 0600, or 0640 if root owns the file")
    return file


def _check_readable(file: Path) -> None:
    if not file.is_file():
        raise ValueError(f"there is no file {file}")
    if not os.access(file, os.R_OK):
        raise ValueError(f"{file} cannot be read")


def public_authorities() -> Path:
    """The authorities that the system trusts; those of certifi if the system has none."""
    by_openssl = ssl.get_default_verify_paths().cafile
    if by_openssl is not None:
        return Path(by_openssl)
    return _DEBIAN_AUTHORITIES if _DEBIAN_AUTHORITIES.is_file() else Path(certifi.where())


def with_database_certificates(conninfo: str, files: CertificateFiles) -> str:
    """The URL or keyword string, with what libpq needs to verify the server and to show a client certificate.

    libpq trusts no public authority by itself: `sslmode=verify-full` alone never connects. Neither does
    `sslrootcert=system`, because psycopg's OpenSSL looks in a folder of the machine that built it.

    Raises:
        ValueError: The files are of no use to this URL; names the setting.
    """
    given = conninfo_to_dict(conninfo)
    mode = str(given.get("sslmode") or os.environ.get("PGSSLMODE", ""))
    root = str(given.get("sslrootcert") or os.environ.get("PGSSLROOTCERT", ""))
    added: dict[str, str] = {}
    if root == "system" and not mode:
        # libpq's own rule
        mode = added["sslmode"] = "verify-full"
    if files.authorities is not None and mode in _UNVERIFIED:
        raise ValueError(f"{files.setting}_CA_FILE is of no use: sslmode={mode} in the URL verifies no certificate")
    if root in {"", "system"}:
        if files.authorities is not None:
            added["sslrootcert"] = str(files.authorities)
        elif mode in _VERIFIED and (root or not _libpq_authorities().is_file()):
            added["sslrootcert"] = str(public_authorities())
    if files.authorities is not None and not mode:
        added["sslmode"] = "verify-full"
    if files.certificate is not None and not given.get("sslcert"):
        added |= {"sslcert": str(files.certificate), "sslkey": str(files.key)}
    return make_conninfo(conninfo, **added) if added else conninfo


def _libpq_authorities() -> Path:
    # where libpq looks for itself
    return Path(os.path.expanduser("~")) / ".postgresql" / "root.crt"  # noqa: PTH111 pathlib raises without a home


def with_broker_certificates(url: str, files: CertificateFiles) -> str:
    """The AMQP URL, with the files that its connections need.

    Raises:
        ValueError: The files are of no use to this URL; names the setting.
    """
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    added: dict[str, str] = {}
    if files.authorities is not None and not given.keys() & {"cafile", "capath", "cadata"}:
        added["cafile"] = str(files.authorities)
    if files.certificate is not None and "certfile" not in given:
        added |= {"certfile": str(files.certificate), "keyfile": str(files.key)}
    if not added:
        return url
    if parts.scheme.lower() != "amqps":
        used = "CA" if files.authorities is not None else "CERTIFICATE"
        raise ValueError(f"{files.setting}_{used}_FILE is of no use: the URL does not begin with amqps://")
    return parts._replace(query="&".join(filter(None, [parts.query, urlencode(added, safe="/")]))).geturl()
