"""A provider's server in Go, which uses little CPU and counts its requests. The benchmark builds it."""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2

from benchmarks.race import Latency
from leopard_local.children import Child, on_free_ports
from leopard_local.environment import inherited_environment
from leopard_local.ports import free_port, is_listening, release_port

SOURCE = Path(__file__).parent / "provider_server"
START_SECONDS = 10.0


class NoGoError(Exception):
    """Go, which builds the server, is not installed."""


@dataclass(frozen=True)
class Counts:
    """The number of requests that the server received, and of distinct idempotency keys in them."""

    requests: int
    distinct: int


@dataclass(frozen=True)
class HttpServer:
    """A running server."""

    child: Child
    port: int
    certificate: Path | None

    @property
    def url(self) -> str:
        """The URL that accepts messages."""
        return f"{'https' if self.certificate else 'http'}://localhost:{self.port}/messages"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a client, so that it trusts the server's certificate."""
        return {"SSL_CERT_FILE": str(self.certificate)} if self.certificate else {}

    def counts(self) -> Counts:
        """Return the counts so far."""
        counts = self._get(self.url).json()
        return Counts(counts["requests"], counts["distinct"])

    def message_ids(self) -> set[int]:
        """Return the ids of the received messages. Each idempotency key ends with the id."""
        keys = self._get(self.url.removesuffix("/messages") + "/keys").text.split()
        return {int(key.rpartition("-")[2]) for key in keys}

    def _get(self, url: str) -> httpx2.Response:
        verify = str(self.certificate) if self.certificate else True
        return httpx2.get(url, verify=verify, trust_env=False, timeout=30).raise_for_status()


def build(folder: Path) -> Path:
    """Build the server's program.

    Raises:
        NoGoError: Go is not installed.
    """
    go = shutil.which("go")
    if go is None:
        raise NoGoError("this part needs a server written in Go: install Go, and put `go` into PATH")
    program = (folder / "provider-server").resolve()
    cache = {"GOCACHE": str((folder.parent / "go-cache").resolve()), "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    subprocess.run(
        [go, "build", "-o", str(program), "."], cwd=SOURCE, env={**inherited_environment(), **cache}, check=True
    )
    return program


@contextlib.contextmanager
def running_http_server(program: Path, folder: Path, latency: Latency, *, tls: bool = False) -> Iterator[HttpServer]:
    """Run the server for the length of the block; its counts start at zero."""

    def start() -> HttpServer:
        port = free_port()
        certificate = (folder / f"provider-{port}.pem").resolve() if tls else None
        command = [str(program), "-listen", f"127.0.0.1:{port}"]
        command += ["-min", f"{latency.min}s", "-max", f"{latency.max}s"]
        if certificate:
            certificate.unlink(missing_ok=True)
            command += ["-certificate", str(certificate)]
        child = Child("provider-server", command, folder / "logs" / "provider-server.log")
        child.start()
        deadline = time.monotonic() + START_SECONDS
        while not is_listening(port) or (certificate and not certificate.exists()):
            child.check()
            if time.monotonic() > deadline:
                child.stop()
                raise TimeoutError(f"the provider's server is not listening:\n{child.tail()}")
            time.sleep(0.02)
        return HttpServer(child, port, certificate)

    server = on_free_ports(start)
    try:
        yield server
    finally:
        server.child.stop()
        release_port(server.port)
