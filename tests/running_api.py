"""Run campaign-api as a process, with the HTTP server of production."""

import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from leopard_local.environment import inherited_environment
from leopard_local.ports import free_port


@dataclass
class Service:
    """A running campaign-api."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        """URL of the server."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        """Open a raw connection, for requests that no client library would send."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def stop(self) -> str:
        """Stop the process gracefully. Return its log."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)
        return self.log.read_text()


def start_api(database_url: str, amqp_url: str, folder: Path, **settings: object) -> Service:
    """Start campaign-api with settings by their names, and wait until it listens. Its log is in `folder`."""
    port = free_port()
    variables = {
        "LEOPARD_DATABASE_URL": database_url,
        "LEOPARD_AMQP_URL": amqp_url,
        "LEOPARD_HOST": "127.0.0.1",
        "LEOPARD_PORT": str(port),
        "LEOPARD_LOG_LEVEL": "DEBUG",
        **{f"LEOPARD_{name.upper()}": str(value) for name, value in settings.items()},
    }
    log = folder / f"{port}.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "campaign_api.main"],
            env=inherited_environment() | variables,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    service = Service(process, port, log)
    try:
        _wait_until_listening(service)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return service


def _wait_until_listening(service: Service) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert service.process.poll() is None, service.log.read_text()
        try:
            service.connect().close()
        except OSError:
            assert time.monotonic() < deadline, service.log.read_text()
            time.sleep(0.05)
        else:
            return
