"""The whole of Leopard as processes on one machine."""

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
from leopard_local.stores import GivenStores, Stores, migrate, start_stores

START_SECONDS = 60


class StackError(Exception):
    """The stack cannot be started; says why."""


@dataclass
class Stack:
    """A database, a broker, and the services that were started on them."""

    folder: Path
    stores: Stores
    services: dict[str, Service] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        """Where campaign-api is."""
        return self.services["campaign-api"].url

    def start_service(
        self, program: str, name: str | None = None, *, port: int = 0, settings: Mapping[str, str] | None = None
    ) -> Service:
        """Start one more process of a service; its settings are given by their names without `LEOPARD_`."""
        name = name or program
        service = start_service(program, name, self.stores, self.folder / "logs", port=port, settings=settings or {})
        self.services[name] = service
        return service

    def wait_until_ready(self, *, seconds: float = START_SECONDS) -> None:
        """Wait until every service can take work.

        Raises:
            ChildDiedError: One ended instead.
            StackError: One was not ready in time.
        """
        deadline = time.monotonic() + seconds
        for service in self.services.values():
            while not service.is_ready():
                service.child.check()
                if time.monotonic() > deadline:
                    raise StackError(f"{service.child.name} is not ready:\n{service.child.tail()}")
                time.sleep(0.05)
        # another process may have answered instead of a service that ended
        self.check()

    def check(self) -> None:
        """Complain where a service has ended.

        Raises:
            ChildDiedError: With the last lines that it wrote.
        """
        for service in self.services.values():
            service.child.check()

    def stop(self) -> None:
        """End the services in order, all at the same time, and then the stores."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(Service.stop, self.services.values()))
        self.stores.stop()


@contextlib.contextmanager
def running_stack(  # noqa: PLR0913 what differs from stack to stack
    folder: Path,
    *,
    packages: Path,
    port: int = 0,
    workers: int = 1,
    dispatchers: int = 1,
    settings: Mapping[str, str] | None = None,
    given: GivenStores | None = None,
    fresh: bool = False,
) -> Iterator[Stack]:
    """The whole stack, for as long as the block runs; nothing remains of it afterwards but its data.

    Args:
        folder: Where its data and logs are; one stack at a time.
        packages: Where a RabbitMQ is unpacked that this machine does not have.
        port: Where campaign-api listens; 0 takes a free one.
        workers: How many sender-workers.
        dispatchers: How many dispatchers.
        settings: Settings for all services, by their names without `LEOPARD_`.
        given: A database or a broker that runs already.
        fresh: Begin without the data of an earlier run.

    Raises:
        StackError: It cannot be started.
        MigrationError: The schema cannot be brought up to date.
        ChildDiedError: A part of it ended by itself while it was started.
    """

    def start() -> Stack:
        stack = Stack(folder, start_stores(folder, packages, given=given))
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
    with _only_one(folder), _signals_as_exit():
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
def _only_one(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"another stack runs in {folder} already") from None
        yield


@contextlib.contextmanager
def _signals_as_exit() -> Iterator[None]:
    # an exception unwinds what was started; a second signal while that happens must not stop it half-way
    def leave(number: int, _frame: FrameType | None) -> None:
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
