"""A pytest plugin (`-p leopard.testing`): a real PostgreSQL and a real RabbitMQ for the tests.

They come as containers where a Docker engine has the images, otherwise as processes of `deploy/local`; the tests are
the same. `LEOPARD_TEST_BACKEND=containers|local` insists on one. Each test has a database of its own.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import aio_pika
import psycopg
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY
from psycopg import AsyncConnection, sql
from psycopg.rows import dict_row

from leopard.broker.messaging import QUEUES
from leopard.db.migration import migrate
from leopard.db.pool import Connection, Pool, create_pool

POSTGRES_IMAGE: Final = "postgres:17"
RABBITMQ_IMAGE: Final = "rabbitmq:4-management"
_TEMPLATE: Final = "leopard_template"


@dataclass(frozen=True)
class Backend:
    """The servers of a test run."""

    admin_url: str
    """The database `postgres`, as a user who may create others."""
    amqp_url: str

    def database_url(self, name: str) -> str:
        """Another database of the same server."""
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
    return subprocess.run(inspect, check=False, capture_output=True).returncode == 0  # noqa: S603


def pytest_configure(config: pytest.Config) -> None:
    """Choose the backend once, for the whole run; what the caller's environment says of Leopard is not for tests."""
    from leopard_local.environment import forget_settings  # noqa: PLC0415 on the path of test runs alone

    forget_settings()
    config.stash[_BACKEND_KEY] = _chosen_backend()


def pytest_report_header(config: pytest.Config) -> str:
    """Say in the run's header where its servers come from."""
    name = config.stash[_BACKEND_KEY]
    source = f"{POSTGRES_IMAGE}, {RABBITMQ_IMAGE}" if name == "containers" else "processes of deploy/local"
    return f"leopard: PostgreSQL and RabbitMQ as {name} ({source})"


_BACKEND_KEY: Final = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """The servers; started when the first test needs them."""
    with ExitStack() as stack:
        started = _containers(stack) if request.config.stash[_BACKEND_KEY] == "containers" else _processes(stack)
        with psycopg.connect(started.admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
        migrate(started.database_url(_TEMPLATE), wait_seconds=10)
        yield started


def _containers(stack: ExitStack) -> Backend:
    # everything is stopped below; the reaper would need an image more
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy  # noqa: PLC0415

    postgres = stack.enter_context(
        PostgresContainer(POSTGRES_IMAGE, driver=None, dbname="postgres").with_command("postgres -c fsync=off")
    )
    started = LogMessageWaitStrategy("Server startup complete")
    rabbitmq = stack.enter_context(DockerContainer(RABBITMQ_IMAGE).with_exposed_ports(5672).waiting_for(started))
    address = f"{rabbitmq.get_container_host_ip()}:{rabbitmq.get_exposed_port(5672)}"
    return Backend(postgres.get_connection_url(), f"amqp://guest:guest@{address}/")


def _processes(stack: ExitStack) -> Backend:
    from leopard_local.stores import running_stores  # noqa: PLC0415 on the path of test runs alone

    packages = Path(os.environ.get("LEOPARD_LOCAL_PACKAGES", ".local/rabbitmq-packages")).resolve()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leopard-tests-")))
    folder.chmod(0o755)
    stores = stack.enter_context(running_stores(folder, packages, durable=False))
    return Backend(stores.database_url.rsplit("/", 1)[0] + "/postgres", stores.amqp_url)


@pytest.fixture
def database_url(backend: Backend) -> Iterator[str]:
    """An empty, migrated database of the test's own."""
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
    """A broker on which none of our queues exists yet."""
    async with await aio_pika.connect(backend.amqp_url) as opened, opened.channel() as channel:
        for queue in QUEUES:
            await channel.queue_delete(queue.name)
    return backend.amqp_url


async def rows(connection: AsyncConnection[Any], query: str, *parameters: object) -> list[dict[str, Any]]:
    """What a query gives, a dict a row."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


async def add_customers(
    connection: Connection, count: int, *, first_number: int = 0, location: str | None = "Nairobi"
) -> list[int]:
    """Customers named Customer 0, Customer 1, ...; their ids."""
    created = await rows(
        connection,
        """
        INSERT INTO customers (phone, first_name, location)
        SELECT '+2547' || lpad(n::text, 8, '0'), 'Customer ' || n, %s FROM generate_series(%s::int, %s::int) AS n
        RETURNING id
        """,
        location,
        first_number,
        first_number + count - 1,
    )
    return [row["id"] for row in created]


async def add_campaign(
    connection: Connection, *, status: str = "sending", template: str = "Hi {first_name}", channel: str = "sms"
) -> int:
    """A campaign in any state; its id."""
    [created] = await rows(
        connection,
        "INSERT INTO campaigns (name, channel, status, base_template) VALUES ('a campaign', %s, %s, %s) RETURNING id",
        channel,
        status,
        template,
    )
    campaign_id: int = created["id"]
    return campaign_id


async def add_messages(connection: Connection, campaign_id: int, customer_ids: Sequence[int]) -> list[int]:
    """Pending messages of one chunk, counted as a send counts them; their ids."""
    created = await rows(
        connection,
        """
        WITH written AS (
            INSERT INTO outbound_messages (campaign_id, customer_id) SELECT %s, unnest(%s::bigint[])
            RETURNING id, campaign_id, customer_id
        ), chunked AS (
            INSERT INTO campaign_chunks (campaign_id, first_customer_id, last_customer_id)
            SELECT campaign_id, min(customer_id), max(customer_id) FROM written GROUP BY campaign_id
        ), counted AS (
            INSERT INTO campaign_counts AS counts (campaign_id, shard, total)
            SELECT campaign_id, 0, count(*) FROM written GROUP BY campaign_id
                ON CONFLICT (campaign_id, shard) DO UPDATE SET total = counts.total + excluded.total
        )
        SELECT id FROM written ORDER BY id
        """,
        campaign_id,
        list(customer_ids),
    )
    return [row["id"] for row in created]


async def counts(connection: Connection, campaign_id: int) -> dict[str, int]:
    """A campaign's counts, as they were added up; those that are zero are left out."""
    [row] = await rows(
        connection,
        """
        SELECT sum(total)::int AS total, sum(sent)::int AS sent, sum(failed)::int AS failed,
               sum(cancelled)::int AS cancelled, sum(retries)::int AS retries,
               sum(unknown_outcomes)::int AS unknown_outcomes
          FROM campaign_counts WHERE campaign_id = %s
        """,
        campaign_id,
    )
    return {name: count for name, count in row.items() if count}


async def refuse_rows(connection: Connection, table: str, condition: str) -> None:
    """Have PostgreSQL refuse to insert or update rows of a table, as a fault of those rows alone.

    Args:
        connection: Where to set it up; the test's database keeps it.
        table: The table.
        condition: Which rows, in terms of `NEW` and, where only updates are meant, `OLD`.
    """
    events = "UPDATE" if "OLD." in condition else "INSERT OR UPDATE"
    statements = f"""
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'refused by the test'; END $$;
    CREATE TRIGGER refuse BEFORE {events} ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse();
    """
    await connection.execute(statements.encode())


def failures_of(task: str) -> float:
    """How many errors of a background task this process has counted."""
    return REGISTRY.get_sample_value("leopard_background_failures_total", {"task": task}) or 0


async def until(holds: Callable[[], Awaitable[bool]], *, seconds: float = 20) -> None:
    """Ask again and again until something holds.

    Raises:
        TimeoutError: It did not in time.
    """
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 what is waited for happens in the database
            await asyncio.sleep(0.03)
