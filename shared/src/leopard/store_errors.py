"""One line for an error of PostgreSQL or RabbitMQ: store, host, port, user and problem, never a password.

The functions are pure. `is_final_...` says whether waiting is useless because only an operator can fix the problem.
"""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

import psycopg
from aiormq import exceptions as amqp
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

_LOGIN_REFUSED: Final = (
    r"authentication failed|auth failed|no password supplied|role \"[^\"]*\" does not exist|no such user"
    r"|pg_hba\.conf|not permitted to log in|authentication method|server login has been failing"
)
_DATABASE_REASONS: Final = (
    # (pattern of libpq's, PostgreSQL's or PgBouncer's text, our text, whether it is final)
    (r"database \"[^\"]*\" does not exist|no such database", "there is no such database", True),
    (r"permission denied for database|User does not have CONNECT", "the user may not use this database", True),
    (_LOGIN_REFUSED, "login refused", True),
    (r"definition of service|service file", "the service is not defined in a service file", True),
    (r"does not support SSL|does not support TLS", "the server offers no TLS, which sslmode demands", True),
    (r"certificate verify failed", "TLS failed: the server's certificate is not trusted", True),
    (r"does not match host name", "TLS failed: the server's certificate is for another host", True),
    (r"valid client certificate|certificate required", "TLS failed: the server asks for a client certificate", True),
    (r"certificate|SSL error|TLS", "TLS failed", True),
    (r"^invalid .* value|^could not match .* (port|host)|^invalid port", "a parameter of the URL is wrong", True),
    (r"invalid response|unsupported frontend protocol", "this is not a PostgreSQL server", True),
    (r"failed to resolve host|could not translate host name", "unknown host", False),
    (r"Connection refused", "connection refused", False),
    (r"timeout expired|timed out|couldn't get a connection", "no answer in time", False),
    (r"No such file or directory", "there is no server at this socket", False),
    (r"starting up", "the server is starting", False),
    (r"shutting down|terminating connection", "the server is shutting down", False),
    (r"not accepting|not currently accepting connections", "the server accepts no connections now", False),
    (r"too many (clients|connections)|remaining connection slots|connection limit", "too many connections", False),
    (r"read-only|not (in )?hot standby|is not primary", "no host has the wanted session attributes", False),
    (r"closed the connection|connection is closed|connection is lost|reset by peer", "the connection was lost", False),
)
_DATABASE_STATES: Final = {
    "28P01": ("login refused", True),
    "28000": ("login refused", True),
    "3D000": ("there is no such database", True),
    "25006": ("the server is read-only", False),
    "42501": ("the user lacks a privilege", True),
    "53300": ("too many connections", False),
    "57P01": ("the server is shutting down", False),
    "57P02": ("the server is shutting down", False),
    "57P03": ("the server accepts no connections now", False),
}
_ATTEMPT: Final = re.compile(r"^- host: '(.*?)', port: '(.*?)', hostaddr: .*?: (.*)$", re.MULTILINE)
_BROKER_REASONS: Final[Sequence[tuple[type[BaseException], str, bool]]] = (
    (amqp.ProbableAuthenticationError, "login refused", True),
    (amqp.AuthenticationError, "login refused: the server takes none of the mechanisms that the URL allows", True),
    # its text contains the message body
    (amqp.DeliveryError, "a message was not confirmed", False),
    (TimeoutError, "no answer in time", False),
    (ConnectionRefusedError, "connection refused", False),
)
_BROKER_WORDS: Final = (
    # RabbitMQ closes the connection when it refuses a virtual host, and aiormq drops RabbitMQ's reason
    (r"Connection\.OpenOk", "the virtual host does not exist, or the user may not use it", True),
    (r"Connect call failed|Connection refused|Multiple exceptions", "connection refused", False),
    (r"certificate has expired", "TLS failed: the server's certificate has expired", True),
    (r"(Hostname|IP address) mismatch", "TLS failed: the server's certificate is for another host", True),
    (r"CERTIFICATE_REQUIRED", "TLS failed: the server asks for a client certificate", True),
    # Python is stricter than libpq: https://docs.python.org/3/library/ssl.html#ssl.VERIFY_X509_STRICT
    (
        r"include key usage|Missing (Authority|Subject) Key Identifier|Basic Constraints|marked critical",
        "TLS failed: the server's certificate, or that of its authority, breaks RFC 5280",
        True,
    ),
    (r"CERTIFICATE_VERIFY_FAILED", "TLS failed: the server's certificate is not trusted", True),
    (r"reset by peer", "the connection was reset; over TLS, RabbitMQ may want a client certificate", False),
    (r"SSL", "TLS failed: the server does not speak it as amqps needs it", True),
    (r"bytes expected|unexpectedly closed", "the connection was closed; is this RabbitMQ?", False),
)
_DEFAULT_PORTS: Final = {"amqp": 5672, "amqps": 5671}
_LONGEST_REASON: Final = 200


@dataclass(frozen=True)
class _Reason:
    text: str
    final: bool


def describe_database_error(error: BaseException, conninfo: str) -> str:
    """One line about an error of PostgreSQL or of connecting to it.

    Args:
        error: An error of psycopg, or SQLAlchemy's wrapper around it.
        conninfo: The URL or keyword string that the connection was opened with.
    """
    raised = _of_psycopg(error)
    attempts = _attempts(raised, _password(conninfo))
    if len({reason for _, reason in attempts}) == 1:
        said = attempts[0][1].text
    else:
        said = "; ".join(dict.fromkeys(f"{address} {reason.text}" for address, reason in attempts))
    return f"PostgreSQL {_database_address(raised, conninfo)}: {said}"


def is_final_database_error(error: BaseException) -> bool:
    """Whether waiting is useless, for example because every host refuses the login."""
    by_address: dict[str, bool] = {}
    for address, reason in _attempts(_of_psycopg(error), ""):
        # for a host with several addresses, the address that answered counts
        by_address[address] = by_address.get(address, False) or reason.final
    return all(by_address.values())


def describe_broker_error(error: BaseException, url: str) -> str:
    """One line about an error of RabbitMQ or of connecting to it.

    Args:
        error: An error of aio-pika, aiormq or the socket.
        url: The AMQP URL that the connection was opened with.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "localhost").rsplit("@", 1)[-1]
    user = unquote(parts.username or "guest")
    address = f"at {host}:{_broker_port(parts)} (user {user}, virtual host {_virtual_host(parts)})"
    return f"RabbitMQ {address}: {_broker_reason(error, unquote(parts.password or '')).text}"


def is_final_broker_error(error: BaseException) -> bool:
    """Whether waiting is useless: RabbitMQ refuses the login or the virtual host."""
    return _broker_reason(error, "").final


def _of_psycopg(error: BaseException) -> BaseException:
    original = getattr(error, "orig", None)
    return original if isinstance(original, BaseException) else error


def _attempts(error: BaseException, password: str) -> Sequence[tuple[str, _Reason]]:
    """The reason for each host; one entry without an address if only one host was tried."""
    state = getattr(error, "sqlstate", None)
    if state is not None:
        # a statement's error message may contain values of a row
        text, final = _DATABASE_STATES.get(state, (f"{type(error).__name__} ({state})", False))
        return [("", _Reason(text, final))]
    said = str(error)
    found = _ATTEMPT.findall(said)
    if not found:
        return [("", _database_reason(error, said, password))]
    return [(f"{host}:{port}", _database_reason(error, text, password)) for host, port, text in found]


def _database_reason(error: BaseException, said: str, password: str) -> _Reason:
    for pattern, text, final in _DATABASE_REASONS:
        if re.search(pattern, said, re.IGNORECASE):
            return _Reason(text, final)
    if not isinstance(error, psycopg.Error):
        return _Reason(f"{type(error).__name__}", final=False)
    return _Reason(_one_line(said, password) or type(error).__name__, final=False)


def _one_line(said: str, password: str) -> str:
    """A library's text; empty if it contains the password."""
    if password and password in said:
        return ""
    return " ".join(said.split())[:_LONGEST_REASON]


def _parameters(conninfo: str) -> dict[str, str]:
    """The parameters that libpq uses: those of the string, then those of the environment."""
    taken = {
        option.keyword.decode(): option.val.decode(errors="replace")
        for option in pq.Conninfo.get_defaults()
        if option.val
    }
    try:
        own = conninfo_to_dict(conninfo)
    except psycopg.Error:
        own = {}
    if "service" in own:
        # the service file may set them; the failed connection has the values
        taken = {}
    return taken | {name: str(value) for name, value in own.items() if value is not None}


def _password(conninfo: str) -> str:
    return _parameters(conninfo).get("password", "")


def _database_address(error: BaseException, conninfo: str) -> str:
    given = _parameters(conninfo)
    hosts = (given.get("host") or given.get("hostaddr") or _of_connection(error, "host") or "").split(",")
    ports = (given.get("port") or _of_connection(error, "port") or "5432").split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    addresses = [
        f"{host.rsplit('@', 1)[-1] or 'the local socket'}:{port or 5432}"
        for host, port in zip(hosts, ports, strict=False)
    ]
    user = given.get("user") or _of_connection(error, "user") or "by default"
    database = given.get("dbname") or _of_connection(error, "db") or user
    service = f"service {given['service']}, " if given.get("service") else ""
    return f"at {', '.join(addresses)} ({service}user {user}, database {database})"


def _of_connection(error: BaseException, name: str) -> str:
    failed: Any = getattr(error, "pgconn", None)
    value = getattr(failed, name, None)
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def _broker_reason(error: BaseException, password: str) -> _Reason:
    for kind, text, final in _BROKER_REASONS:
        if isinstance(error, kind):
            return _Reason(text, final)
    said = str(error)
    if isinstance(error, OSError) and error.errno in {socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL}:
        return _Reason("unknown host", final=False)
    for pattern, text, final in _BROKER_WORDS:
        if re.search(pattern, said):
            return _Reason(text, final)
    return _Reason(_one_line(said, password) or type(error).__name__, isinstance(error, amqp.ConnectionNotAllowed))


def _broker_port(parts: SplitResult) -> int:
    try:
        return parts.port or _DEFAULT_PORTS.get(parts.scheme, 5672)
    except ValueError:
        return _DEFAULT_PORTS.get(parts.scheme, 5672)


def _virtual_host(parts: SplitResult) -> str:
    return unquote(parts.path.removeprefix("/")) or "/"
