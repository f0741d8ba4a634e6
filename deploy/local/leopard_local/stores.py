"""The database and the broker of a stack: private ones, or those of the caller."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from leopard_local.children import on_free_ports
from leopard_local.environment import passed_on
from leopard_local.postgres import Postgres
from leopard_local.rabbitmq import RabbitMQ


class MigrationError(Exception):
    """The schema cannot be brought up to date; says why."""


@dataclass(frozen=True)
class GivenStores:
    """Stores that run already, by their URLs; an empty one stands for a store of the stack's own."""

    database_url: str = ""
    amqp_url: str = ""


@dataclass
class Stores:
    """The database and the broker."""

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
        """End those that are our own, for good."""
        if self.rabbitmq is not None:
            self.rabbitmq.stop()
            self.rabbitmq.release_ports()
        if self.postgres is not None:
            self.postgres.stop()
            self.postgres.release_port()


def start_stores(folder: Path, packages: Path, *, durable: bool = True, given: GivenStores | None = None) -> Stores:
    """Start PostgreSQL and RabbitMQ, but for those that are given; the broker is up a while later.

    Args:
        folder: Where their data and logs are.
        packages: Where a RabbitMQ is unpacked that this machine does not have.
        durable: Whether PostgreSQL keeps what it was given when it is killed.
        given: Stores to be used instead.

    Raises:
        PortTakenError: Another process took a port meanwhile; a retry may succeed.
    """
    given = given or GivenStores()
    postgres = None if given.database_url else Postgres(folder, durable=durable)
    rabbitmq = None if given.amqp_url else RabbitMQ(folder, packages)
    stores = Stores(
        given.database_url or (postgres.url if postgres else ""),
        given.amqp_url or (rabbitmq.url if rabbitmq else ""),
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


@contextlib.contextmanager
def running_stores(folder: Path, packages: Path, *, durable: bool = True) -> Iterator[Stores]:
    """A PostgreSQL and a RabbitMQ without services, up for as long as the block runs; arguments as above."""

    def start() -> Stores:
        stores = start_stores(folder, packages, durable=durable)
        try:
            stores.wait_until_up()
        except BaseException:
            stores.stop()
            raise
        return stores

    stores = on_free_ports(start)
    try:
        yield stores
    finally:
        stores.stop()


def migrate(database_url: str) -> None:
    """Bring the schema up to date.

    Raises:
        MigrationError: With what the command said.
    """
    done = subprocess.run(
        [str(Path(sys.executable).with_name("leopard")), "migrate"],
        check=False,
        env={**passed_on(), "LEOPARD_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise MigrationError(f"leopard migrate failed:\n{done.stdout}{done.stderr}")
