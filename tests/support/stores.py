"""A pytest plugin that provides a real PostgreSQL and a real RabbitMQ.

They run as containers if a Docker engine has the images, otherwise as processes of `deploy/local`.
`LEOPARD_TEST_BACKEND=containers|local` selects one of them. Each test has its own database.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import aio_pika
import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from leopard.broker.queues import QUEUES
from leopard.db.migration import migrate
from leopard.db.pool import Connection, Pool, create_pool

POSTGRES_IMAGE: Final = "postgres:17"
RABBITMQ_IMAGE: Final = "rabbitmq:4-management"
_TEMPLATE: Final = "leopard_template"


@dataclass(frozen=True)
class Backend:
    """The servers of a test run."""

    admin_url: str
    """URL of the database `postgres`, for a user who may create databases."""
    amqp_url: str
    rabbitmqctl: Callable[..., str]
    """Runs `rabbitmqctl` and returns its output."""

    def database_url(self, name: str) -> str:
        """Return the URL of another database of the server."""
        return self.admin_url.rsplit("/", 1)[0] + "/" + name


def _chosen_backend() -> str:
    chosen = os.environ.get("LEOPARD_TEST_BACKEND", "auto")
    if chosen not in {"auto", "containers", "local"}:
        msg = f"LEOPARD_TEST_BACKEND must be auto, containers or local, not {chosen!r}"
        raise pytest.UsageError(msg)
    if chosen == "auto":
        return "containers" if _docker_has_images() else "local"
    return chosen


def _docker_has_images() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    inspect = [docker, "image", "inspect", POSTGRES_IMAGE, RABBITMQ_IMAGE]
    return subprocess.run(inspect, check=False, capture_output=True).returncode == 0


def pytest_configure(config: pytest.Config) -> None:
    """Choose the backend for the whole run, and remove settings of Leopard from the environment."""
    from leopard_local.environment import forget_settings  # noqa: PLC0415 only test runs have it on their path

    forget_settings()
    config.stash[_BACKEND_KEY] = _chosen_backend()


def pytest_report_header(config: pytest.Config) -> str:
    """Show the backend in the header of the run."""
    name = config.stash[_BACKEND_KEY]
    source = f"{POSTGRES_IMAGE}, {RABBITMQ_IMAGE}" if name == "containers" else "processes of deploy/local"
    return f"leopard: PostgreSQL and RabbitMQ as {name} ({source})"


_BACKEND_KEY: Final = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """The servers. They start when the first test needs them."""
    with ExitStack() as stack:
        started = _containers(stack) if request.config.stash[_BACKEND_KEY] == "containers" else _processes(stack)
        with psycopg.connect(started.admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
        migrate(started.database_url(_TEMPLATE), wait_seconds=10)
        yield started


def _containers(stack: ExitStack) -> Backend:
    from leopard_local.postgres import PRIVATE_LOGS  # noqa: PLC0415

    # the exit stack stops the containers; the reaper would need another image
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy  # noqa: PLC0415

    options = " ".join(f"-c {name}={value}" for name, value in {"fsync": "off", **PRIVATE_LOGS}.items())
    logs = _audited_logs(stack)
    postgres = stack.enter_context(
        PostgresContainer(POSTGRES_IMAGE, driver=None, dbname="postgres").with_command(f"postgres {options}")
    )
    stack.callback(lambda: _keep_logs(postgres, logs / "postgres.log"))
    started = LogMessageWaitStrategy("Server startup complete")
    rabbitmq = stack.enter_context(DockerContainer(RABBITMQ_IMAGE).with_exposed_ports(5672).waiting_for(started))
    stack.callback(lambda: _keep_logs(rabbitmq, logs / "rabbitmq.log"))
    address = f"{rabbitmq.get_container_host_ip()}:{rabbitmq.get_exposed_port(5672)}"

    def rabbitmqctl(*arguments: str) -> str:
        status, output = rabbitmq.exec(["rabbitmqctl", *arguments])
        assert status == 0, output
        return str(output, "utf-8")

    return Backend(postgres.get_connection_url(), f"amqp://guest:guest@{address}/", rabbitmqctl)


def _processes(stack: ExitStack) -> Backend:
    from leopard_local.stores import running_stores  # noqa: PLC0415 only test runs have it on their path

    packages = Path(os.environ.get("LEOPARD_LOCAL_PACKAGES", ".local/rabbitmq-packages")).resolve()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leopard-tests-")))
    folder.chmod(0o755)
    stack.callback(_check_logs, folder)
    stores = stack.enter_context(running_stores(folder, packages, durable=False))

    def rabbitmqctl(*arguments: str) -> str:
        assert stores.rabbitmq is not None, "an external RabbitMQ has no rabbitmqctl"
        return stores.rabbitmq.control(*arguments)

    return Backend(stores.database_url.rsplit("/", 1)[0] + "/postgres", stores.amqp_url, rabbitmqctl)


def _audited_logs(stack: ExitStack) -> Path:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leopard-logs-")))
    stack.callback(_check_logs, folder)
    (folder / "logs").mkdir()
    return folder / "logs"


def _keep_logs(container: Any, log: Path) -> None:
    log.write_bytes(b"".join(container.get_logs()))


def _check_logs(folder: Path) -> None:
    from leopard_local.log_audit import check_logs  # noqa: PLC0415 only test runs have it on their path

    check_logs(folder)


@pytest.fixture
def database_url(backend: Backend) -> Iterator[str]:
    """An empty, migrated database for one test."""
    name = sql.Identifier(f"test_{uuid4().hex}")
    with psycopg.connect(backend.admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(_TEMPLATE)))
        yield backend.database_url(name.as_string().strip('"'))
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Connections to the test's database."""
    async with create_pool(database_url, size=10, application="tests") as opened:
        yield opened


@pytest_asyncio.fixture
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    """One connection to the test's database."""
    async with pool.connection() as opened:
        yield opened


@pytest_asyncio.fixture
async def amqp_url(backend: Backend) -> str:
    """URL of a broker without any of Leopard's queues."""
    async with await aio_pika.connect(backend.amqp_url) as opened, opened.channel() as channel:
        for queue in QUEUES:
            await channel.queue_delete(queue.name)
    return backend.amqp_url
