"""Run all of Leopard as processes on one machine."""

import contextlib
import fcntl
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from leopard_local.children import on_free_ports
from leopard_local.ports import is_listening
from leopard_local.service import Service, start_service
from leopard_local.stores import ExternalStores, Stores, migrate, start_stores

START_SECONDS = 60


class StackError(Exception):
    """The stack cannot start. The message gives the reason."""


@dataclass
class Stack:
    """A database, a broker, and the services that use them."""

    folder: Path
    stores: Stores
    services: dict[str, Service] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        """URL of campaign-api."""
        return self.services["campaign-api"].url

    def start_service(
        self, program: str, name: str | None = None, *, port: int = 0, settings: Mapping[str, str] | None = None
    ) -> Service:
        """Start another process of a service. `settings` are by their names without `LEOPARD_`."""
        name = name or program
        service = start_service(program, name, self.stores, self.folder / "logs", port=port, settings=settings or {})
        self.services[name] = service
        return service

    def wait_until_ready(self, *, seconds: float = START_SECONDS) -> None:
        """Wait until all services are ready.

        Raises:
            ChildDiedError: A service ended.
            StackError: A service was not ready in time.
        """
        deadline = time.monotonic() + seconds
        for service in self.services.values():
            while not service.is_ready():
                service.child.check()
                if time.monotonic() > deadline:
                    raise StackError(f"{service.child.name} is not ready:\n{service.child.tail()}")
                time.sleep(0.05)
        # a service may have ended, while another process answered on its port
        self.check()

    def check(self) -> None:
        """Raise an error if a service has ended.

        Raises:
            ChildDiedError: A service has ended. The message contains the last lines of its log.
        """
        for service in self.services.values():
            service.child.check()

    def stop(self) -> None:
        """Stop all services at the same time, then the stores."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Service.stop, self.services.values()))
        self.stores.stop()


@contextlib.contextmanager
def running_stack(  # noqa: PLR0913 options of a stack
    folder: Path,
    *,
    packages: Path,
    port: int = 0,
    workers: int = 1,
    dispatchers: int = 1,
    settings: Mapping[str, str] | None = None,
    external: ExternalStores | None = None,
    fresh: bool = False,
) -> Iterator[Stack]:
    """Run a stack for the length of the block. Afterwards only its data and logs remain.

    Args:
        folder: Folder of its data and logs, for one stack at a time.
        packages: Folder to unpack RabbitMQ into, if it is not installed.
        port: Port of campaign-api; 0 chooses a free port.
        workers: Number of sender-workers.
        dispatchers: Number of dispatchers.
        settings: Settings of all services, by their names without `LEOPARD_`.
        external: Running stores to use.
        fresh: Whether to delete the data of an earlier run first.

    Raises:
        StackError: The stack cannot start.
        MigrationError: The schema migration failed.
        ChildDiedError: A process ended during the start.
    """

    def start() -> Stack:
        stack = Stack(folder, start_stores(folder, packages, external=external))
        try:
            migrate(stack.stores.database_url)
            stack.start_service("campaign-api", port=port, settings=settings)
            for index in range(dispatchers):
                stack.start_service("dispatcher", f"dispatcher-{index + 1}", settings=settings)
            for index in range(workers):
                stack.start_service("sender-worker", f"sender-worker-{index + 1}", settings=settings)
            stack.stores.wait_until_up()
            stack.wait_until_ready()
        except BaseException:
            stack.stop()
            raise
        return stack

    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder), _signals_as_exit():
        if port and is_listening(port):
            raise StackError(f"port {port} is taken; choose another: PORT=8081")
        if fresh:
            for data in ("postgres", "rabbitmq", "logs"):
                shutil.rmtree(folder / data, ignore_errors=True)
        stack = on_free_ports(start)
        try:
            yield stack
        finally:
            stack.stop()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"another stack already runs in {folder}") from None
        yield


@contextlib.contextmanager
def _signals_as_exit() -> Iterator[None]:
    # the exception stops all processes; ignore further signals, so that they do not interrupt this
    def exit_with(number: int, _frame: FrameType | None) -> None:
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, exit_with) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
