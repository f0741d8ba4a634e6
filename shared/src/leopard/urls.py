"""Checks for URLs in settings and arguments. Connects to nothing.

A wrong URL raises `ValueError`. The text names the problem, and never shows a part of a password.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

_ENCODE: Final = "percent-encode special characters in the user and the password"

_DATABASE_EXAMPLE: Final = "postgresql://user:password@host:5432/leopard"
_DATABASE_SCHEMES: Final = ("postgresql://", "postgres://")
_DATABASE_CHOICES: Final[Mapping[str, frozenset[str]]] = {
    "sslmode": frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}),
    "target_session_attrs": frozenset({"any", "read-write", "read-only", "primary", "standby", "prefer-standby"}),
    "load_balance_hosts": frozenset({"disable", "random"}),
}
_DATABASE_NUMBERS: Final = (
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
)

_BROKER_EXAMPLE: Final = "amqp://user:password@host:5672/vhost"
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_ANYTHING: Final = re.compile(r".*", re.DOTALL)
_BROKER_PARAMETERS: Final[Mapping[str, re.Pattern[str]]] = {
    "auth": re.compile(r"plain|external", re.IGNORECASE),
    "heartbeat": re.compile(r"[0-9]{1,5}"),
    "timeout": _NUMBER,
    "reconnect_interval": _SECONDS,
    "fail_fast": _ANYTHING,
    "interleave": _NUMBER,
    "happy_eyeballs_delay": _SECONDS,
    "name": _ANYTHING,
    "cafile": _ANYTHING,
    "capath": _ANYTHING,
    "cadata": _ANYTHING,
    "keyfile": _ANYTHING,
    "certfile": _ANYTHING,
    "no_verify_ssl": re.compile(r"[01]"),
}

_HTTP_EXAMPLE: Final = "https://provider.example.com/messages"

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HOST: Final = re.compile(r"[^\s./\\,:@?#\[\]]{1,63}(\.[^\s./\\,:@?#\[\]]{1,63})*\.?")
_NOT_PRINTED: Final = re.compile(r"[\x00-\x20\x7f]")


def checked_database_url(value: str) -> str:
    """A PostgreSQL URL or keyword string, in any form that libpq accepts.

    Raises:
        ValueError: libpq would not accept it; says why.
    """
    value = _not_blank(value)
    given = _SCHEME.match(value)
    if given is not None and not value.startswith(_DATABASE_SCHEMES):
        raise ValueError(f"{given[1]}:// is not PostgreSQL: {_DATABASE_EXAMPLE}")
    if given is None and "=" not in value:
        raise ValueError(f"is neither a URL nor a list of keywords: {_DATABASE_EXAMPLE}")
    try:
        parameters = {name: str(text) for name, text in conninfo_to_dict(value).items()}
    except psycopg.Error as error:
        raise ValueError(_database_problem(str(error), value)) from None
    _check_database_addresses(parameters)
    for name, choices in _DATABASE_CHOICES.items():
        if name in parameters and parameters[name] not in choices:
            raise ValueError(f"{name} must be one of {', '.join(sorted(choices))}")
    for name in _DATABASE_NUMBERS:
        if name in parameters and not re.fullmatch(r"-?[0-9]{1,9}", parameters[name].strip()):
            raise ValueError(f"{name} must be a whole number")
    return value


def _database_problem(said: str, value: str) -> str:
    # libpq's message quotes parts of the string, possibly of a password
    unknown = re.search(r'invalid (?:URI query parameter|connection option): ?"([a-z_]+)"|option "([a-z_]+)"', said)
    secretive = "@" in value.partition("?")[2] or ("://" not in value and "password" in value)
    if unknown is not None and not secretive:
        return f"libpq knows no parameter {unknown[1] or unknown[2]}"
    return f"cannot be read by libpq: {_DATABASE_EXAMPLE}, or host=... dbname=...; {_ENCODE}"


def _check_database_addresses(parameters: Mapping[str, str]) -> None:
    hosts = (parameters.get("host") or parameters.get("hostaddr") or "").split(",")
    ports = parameters.get("port", "").split(",")
    if len(ports) > 1 and len(ports) != len(hosts):
        raise ValueError(f"has {len(hosts)} hosts but {len(ports)} ports")
    if not all(port == "" or _is_port(port) for port in ports):
        raise ValueError(f"a port is not a number from 1 to 65535; {_ENCODE}")


def checked_broker_url(value: str) -> str:
    """An AMQP 0-9-1 URL for RabbitMQ.

    Raises:
        ValueError: The client would refuse it or ignore a part of it; says why.
    """
    parts = _parts(value, ("amqp", "amqps"), _BROKER_EXAMPLE)
    if "@" in parts.path or "@" in parts.query:
        raise ValueError(f"has an @ after the host; {_ENCODE}")
    _check_broker_parameters(parse_qsl(parts.query, keep_blank_values=True))
    return value.strip()


def _check_broker_parameters(parameters: Sequence[tuple[str, str]]) -> None:
    for name, text in parameters:
        if name not in _BROKER_PARAMETERS:
            known = ", ".join(sorted(_BROKER_PARAMETERS))
            raise ValueError(f"has an unknown parameter; the known ones are {known}")
        if not _BROKER_PARAMETERS[name].fullmatch(text):
            raise ValueError(f"the parameter {name} has a wrong value")


def checked_http_url(value: str) -> str:
    """The URL of an HTTP server.

    Raises:
        ValueError: It is not a valid HTTP URL; says why.
    """
    _parts(value, ("http", "https"), _HTTP_EXAMPLE)
    return value.strip()


def _parts(value: str, schemes: Sequence[str], example: str) -> SplitResult:
    value = _not_blank(value)
    given = _SCHEME.match(value)
    if given is None:
        raise ValueError(f"does not begin with {' or '.join(f'{scheme}://' for scheme in schemes)}: {example}")
    if given[1].lower() not in schemes:
        raise ValueError(f"{given[1]}:// is not one of {', '.join(f'{scheme}://' for scheme in schemes)}: {example}")
    if _NOT_PRINTED.search(value):
        raise ValueError(f"contains a space or a control character; {_ENCODE}")
    if "#" in value:
        raise ValueError(f"contains a #; {_ENCODE}")
    try:
        parts = urlsplit(value)
        host, address = parts.hostname, parts.netloc.rpartition("@")[2]
    except ValueError:
        raise ValueError(f"the host does not parse: {example}") from None
    if "," in address:
        raise ValueError(f"has more than one host: {example}")
    in_brackets = address.startswith("[")
    _check_host(host, in_brackets=in_brackets, example=example)
    _, colon, port = (address.rpartition("]")[2] if in_brackets else address).partition(":")
    if colon and not _is_port(port):
        raise ValueError(f"the port is not a number from 1 to 65535; {_ENCODE}")
    return parts


def _check_host(host: str | None, *, in_brackets: bool, example: str) -> None:
    if not host:
        raise ValueError(f"has no host: {example}")
    if in_brackets:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise ValueError(f"the address in brackets is not IPv6: {example}") from None
    elif not _HOST.fullmatch(host):
        raise ValueError(f"the host does not parse; {_ENCODE}")


def _is_port(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", text) is not None and 1 <= int(text) <= 65_535


def _not_blank(value: str) -> str:
    value = value.strip()
    if not value:
        raise ValueError("is blank")
    return value
