"""The whole of Leopard as processes on one machine."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import httpx

from leopard_local.children import Child, ChildDiedError
from leopard_local.ports import LOOPBACK, free_port, is_listening
from leopard_local.postgres import Postgres
from leopard_local.rabbitmq import RabbitMQ

START_SECONDS = 60


class StackError(Exception):
    """The stack cannot be started; says why."""


@dataclass
class Service:
    """One running service."""

    child: Child
    port: int

    @property
    def url(self) -> str:
        """Where its HTTP is."""
        return f"http://{LOOPBACK}:{self.port}"


@dataclass
class Stores:
    """The database and the broker: of our own, or those that the environment names."""

    database_url: str
    amqp_url: str
    postgres: Postgres | None
    rabbitmq: RabbitMQ | None

    def wait_until_up(self) -> None:
        """Wait for the broker, which takes longest to start.

        Raises:
            ChildDiedError: It ended instead.
            TimeoutError: It was not up in time.
        """
        if self.rabbitmq is not None:
            self.rabbitmq.wait_until_up()

    def stop(self) -> None:
        """End those that are our own."""
        if self.rabbitmq is not None:
            self.rabbitmq.stop()
        if self.postgres is not None:
            self.postgres.stop()


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
        port = port or free_port()
        environment = {
            "LEOPARD_DATABASE_URL": self.stores.database_url,
            "LEOPARD_AMQP_URL": self.stores.amqp_url,
            "LEOPARD_HOST": LOOPBACK,
            "LEOPARD_PORT": str(port),
            "LEOPARD_LOG_FORMAT": "json",
            **{f"LEOPARD_{key.upper()}": value for key, value in (settings or {}).items()},
        }
        command = [str(Path(sys.executable).with_name(program))]
        service = Service(Child(name, command, self.folder / "logs" / f"{name}.log", environment), port)
        service.child.start()
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
            while not _is_ready(service.url):
                service.child.check()
                if time.monotonic() > deadline:
                    raise StackError(f"{service.child.name} is not ready:\n{service.child.tail()}")
                time.sleep(0.05)

    def check(self) -> None:
        """Complain where a service has ended.

        Raises:
            ChildDiedError: With the last lines that it wrote.
        """
        for service in self.services.values():
            service.child.check()

    def stop_services(self) -> None:
        """End the services in order, all at the same time."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda service: service.child.stop(), self.services.values()))


def _is_ready(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/readyz", timeout=2).is_success
    return False


def start_stores(folder: Path, packages: Path, *, durable: bool = True) -> Stores:
    """Start PostgreSQL and RabbitMQ, or take those that `LEOPARD_..._URL` names; the broker is up a while later.

    Args:
        folder: Where their data and logs are.
        packages: Where a RabbitMQ is unpacked that this machine does not have.
        durable: Whether PostgreSQL keeps what it was given when it is killed.
    """
    database_url = os.environ.get("LEOPARD_DATABASE_URL")
    amqp_url = os.environ.get("LEOPARD_AMQP_URL")
    postgres = None if database_url else Postgres(folder, durable=durable)
    rabbitmq = None if amqp_url else RabbitMQ(folder, packages)
    stores = Stores(
        database_url or (postgres.url if postgres else ""),
        amqp_url or (rabbitmq.url if rabbitmq else ""),
        postgres,
        rabbitmq,
    )
    try:
        if rabbitmq is not None:
            rabbitmq.begin()
        if postgres is not None:
            postgres.start()
    except BaseException:
        stores.stop()
        raise
    return stores


def migrate(database_url: str) -> None:
    """Bring the schema up to date.

    Raises:
        StackError: With what the command said.
    """
    done = subprocess.run(
        [str(Path(sys.executable).with_name("leopard")), "migrate"],
        check=False,
        env={**os.environ, "LEOPARD_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise StackError(f"leopard migrate failed:\n{done.stdout}{done.stderr}")


@contextlib.contextmanager
def running_stack(
    folder: Path,
    *,
    packages: Path,
    port: int = 0,
    workers: int = 1,
    dispatchers: int = 1,
    settings: Mapping[str, str] | None = None,
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
        fresh: Begin without the data of an earlier run.

    Raises:
        StackError: It cannot be started.
        ChildDiedError: A part of it ended by itself while it was started.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _only_one(folder), _signals_as_exit():
        if port and is_listening(port):
            raise StackError(f"port {port} is taken; choose another: PORT=8081")
        if fresh:
            for data in ("postgres", "rabbitmq", "logs"):
                shutil.rmtree(folder / data, ignore_errors=True)
        stores = start_stores(folder, packages)
        stack = Stack(folder, stores)
        try:
            migrate(stores.database_url)
            stack.start_service("campaign-api", port=port, settings=settings)
            for index in range(dispatchers):
                stack.start_service("dispatcher", f"dispatcher-{index + 1}", settings=settings)
            for index in range(workers):
                stack.start_service("sender-worker", f"sender-worker-{index + 1}", settings=settings)
            stores.wait_until_up()
            stack.wait_until_ready()
            yield stack
        finally:
            stack.stop_services()
            stores.stop()


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


__all__ = ["ChildDiedError", "Service", "Stack", "StackError", "Stores", "migrate", "running_stack", "start_stores"]
