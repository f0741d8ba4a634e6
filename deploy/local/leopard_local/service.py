"""Start and stop the services of a stack."""

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2

from leopard_local.children import Child
from leopard_local.ports import LOOPBACK, free_port, release_port
from leopard_local.stores import Stores


@dataclass
class Service:
    """One running service."""

    child: Child
    port: int

    @property
    def url(self) -> str:
        """URL of its HTTP server."""
        return f"http://{LOOPBACK}:{self.port}"

    def is_ready(self) -> bool:
        """Whether the service is ready."""
        with contextlib.suppress(httpx2.HTTPError):
            return httpx2.get(f"{self.url}/readyz", timeout=2, trust_env=False).is_success
        return False

    def stop(self) -> None:
        """Stop the service and release its port."""
        self.child.stop()
        release_port(self.port)


def start_service(
    program: str, name: str, stores: Stores, logs: Path, *, port: int, settings: Mapping[str, str]
) -> Service:
    """Start a process of a service.

    Args:
        program: The service's command.
        name: Name of the process and its log.
        stores: Its database and broker.
        logs: Folder of its log.
        port: Port of its HTTP server; 0 chooses a free port.
        settings: Further settings, by their names without `LEOPARD_`.
    """
    port = port or free_port()
    environment = {
        "LEOPARD_DATABASE_URL": stores.database_url,
        "LEOPARD_AMQP_URL": stores.amqp_url,
        "LEOPARD_HOST": LOOPBACK,
        "LEOPARD_PORT": str(port),
        "LEOPARD_LOG_FORMAT": "json",
        **{f"LEOPARD_{key.upper()}": value for key, value in settings.items()},
    }
    command = [str(Path(sys.executable).with_name(program))]
    service = Service(Child(name, command, logs / f"{name}.log", environment), port)
    service.child.start()
    return service
