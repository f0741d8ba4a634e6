"""Run a private PgBouncer in front of a test's database."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from leopard_local.__main__ import LOCAL
from leopard_local.children import Child
from leopard_local.debian import unpack_packages
from leopard_local.ports import LOOPBACK, free_port, wait_until_listening

PACKAGES = LOCAL / "pgbouncer-packages"
SERVER_SESSIONS = 5
"""Few, so that the transactions of a client use different sessions."""


@contextmanager
def pgbouncer(
    database_url: str, folder: Path, *, mode: str, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """Run a PgBouncer with its default settings. Yield the URL of the database through it.

    Args:
        database_url: URL of the database, with one host.
        folder: Folder for its configuration and log.
        mode: The pooling mode: `session` or `transaction`.
        settings: More settings of PgBouncer.
    """
    server = urlsplit(database_url)
    port = free_port()
    password = f" password='{unquote(server.password)}'" if server.password else ""
    configuration = folder / f"{port}.ini"
    configuration.write_text(
        f"""\
[databases]
* = host={server.hostname} port={server.port} user={server.username}{password}
[pgbouncer]
listen_addr = {LOOPBACK}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {SERVER_SESSIONS if mode == "transaction" else 60}
max_client_conn = 200
"""
        + "".join(f"{name} = {value}\n" for name, value in settings.items())
    )
    program, environment = _installed()
    # PgBouncer refuses to run as root
    unprivileged = ["-u", "nobody"] if os.geteuid() == 0 else []
    child = Child("pgbouncer", [program, *unprivileged, str(configuration)], folder / f"{port}.log", environment)
    child.start()
    try:
        wait_until_listening(port, seconds=20)
        child.check()
        yield f"postgresql://leopard@{LOOPBACK}:{port}{server.path}"
    finally:
        child.stop(seconds=10)


def _installed() -> tuple[str, dict[str, str]]:
    on_path = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if on_path is not None:
        return on_path, {}
    program = PACKAGES / "usr/sbin/pgbouncer"
    if not program.exists():
        PACKAGES.parent.mkdir(parents=True, exist_ok=True)
        unpack_packages(["pgbouncer"], PACKAGES)
    libraries = [str(folder) for parent in ("usr/lib", "lib") for folder in (PACKAGES / parent).glob("*-linux-gnu")]
    return str(program), {"LD_LIBRARY_PATH": ":".join(libraries)}
