"""The database and broker of a stack: private or external."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from leopard_local.children import on_free_ports
from leopard_local.environment import inherited_environment
from leopard_local.postgres import Postgres
from leopard_local.rabbitmq import RabbitMQ


class MigrationError(Exception):
    """The schema migration failed. The message gives the reason."""


@dataclass(frozen=True)
class ExternalStores:
    """URLs of running stores to use. An empty URL means a private store."""

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
            ChildDiedError: The broker ended.
            TimeoutError: The broker did not accept connections in time.
        """
        if self.rabbitmq is not None:
            self.rabbitmq.wait_until_up()

    def stop(self) -> None:
        """Stop the private stores and release their ports."""
        if self.rabbitmq is not None:
            self.rabbitmq.stop()
            self.rabbitmq.release_ports()
        if self.postgres is not None:
            self.postgres.stop()
            self.postgres.release_port()


def start_stores(
    folder: Path, packages: Path, *, durable: bool = True, external: ExternalStores | None = None
) -> Stores:
    """Start PostgreSQL and RabbitMQ, except external stores, without waiting for the broker.

    Args:
        folder: Folder of their data and logs.
        packages: Folder to unpack RabbitMQ into, if it is not installed.
        durable: Whether PostgreSQL keeps committed data when it is killed.
        external: Running stores to use.

    Raises:
        PortTakenError: Another process took a port. A retry may succeed.
    """
    external = external or ExternalStores()
    postgres = None if external.database_url else Postgres(folder, durable=durable)
    rabbitmq = None if external.amqp_url else RabbitMQ(folder, packages)
    stores = Stores(
        external.database_url or (postgres.url if postgres else ""),
        external.amqp_url or (rabbitmq.url if rabbitmq else ""),
        postgres,
        rabbitmq,
    )
    try:
        if rabbitmq is not None:
            rabbitmq.start()
        if postgres is not None:
            postgres.start()
    except BaseException:
        stores.stop()
        raise
    return stores


@contextlib.contextmanager
def running_stores(folder: Path, packages: Path, *, durable: bool = True) -> Iterator[Stores]:
    """Run PostgreSQL and RabbitMQ without services for the length of the block.

    The arguments are those of `start_stores`.
    """

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
    """Migrate the schema to the newest revision.

    Raises:
        MigrationError: The command failed. The message contains its output.
    """
    done = subprocess.run(
        [str(Path(sys.executable).with_name("leopard")), "migrate"],
        check=False,
        env={**inherited_environment(), "LEOPARD_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise MigrationError(f"leopard migrate failed:\n{done.stdout}{done.stderr}")
