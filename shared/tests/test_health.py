"""The health endpoints report the state of the stores, and answer at once."""

import json
import time
from dataclasses import dataclass
from typing import Any

from leopard.broker.connection import create_broker
from leopard.db.pool import Connection
from leopard.runtime.health import Health, health_routes
from leopard.runtime.monitors import BrokerMonitor, DatabaseMonitor
from support.stores import Backend

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


async def ask(health: Health, path: str) -> tuple[int, Any]:
    sent: list[dict[str, Any]] = []

    async def send(part: dict[str, Any]) -> None:
        sent.append(part)

    await dict(health_routes(health))[path]({"type": "http", "path": path}, None, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def test_health_is_healthy_while_all_stores_answer(database_url: str, backend: Backend) -> None:
    async with create_broker(backend.amqp_url, service="tests", shutdown_seconds=1) as broker:
        database, queue = DatabaseMonitor(database_url, application="tests"), BrokerMonitor(broker)
        health = Health({"database": database, "queue": queue}, (database.schema_problem,))
        assert (await ask(health, "/readyz"))[0] == 503, "no store was checked yet"
        for _ in range(3):
            await database.step()
            await queue.step()
            status, body = await ask(health, "/health")
            assert status == 200
            assert body["status"] == "healthy"
            assert body["services"] == {"database": "connected", "queue": "connected"}
            assert body["timestamp"].endswith("Z")
            assert body["version"]
        assert await ask(health, "/readyz") == (200, {"status": "ready"})
        await database.close()


async def test_an_outage_makes_health_unhealthy_but_the_process_stays_alive() -> None:
    broker = create_broker("amqp://guest:guest@127.0.0.1:1/", service="tests", shutdown_seconds=1)
    database, queue = DatabaseMonitor(NOWHERE, application="tests"), BrokerMonitor(broker)
    health = Health({"database": database, "queue": queue}, (database.schema_problem, queue.problem))
    await database.step()
    await queue.step()
    started = time.monotonic()
    status, body = await ask(health, "/health")
    assert time.monotonic() - started < 0.2
    assert status == 503
    assert body["status"] == "unhealthy"
    assert set(body["services"].values()) == {"disconnected"}
    assert await ask(health, "/readyz") == (
        503,
        {"status": "not ready", "reasons": ["database unavailable", "broker unavailable"]},
    )
    assert await ask(health, "/livez") == (200, {"status": "alive"})


async def test_not_ready_while_the_schema_is_older_than_the_code(database_url: str, connection: Connection) -> None:
    database = DatabaseMonitor(database_url, application="tests")
    await connection.execute("UPDATE alembic_version SET version_num = '0000'")
    await database.step()
    assert database.problem() is None
    assert "leopard migrate" in (database.schema_problem() or "")
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await database.step()
    assert database.schema_problem() is None, "a newer schema is fine"
    await database.close()


async def test_the_monitor_notices_that_the_database_is_available_again(
    database_url: str, connection: Connection
) -> None:
    database = DatabaseMonitor(database_url, application="tests")
    await database.step()
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tests monitor'"
    )
    await database.step()
    assert database.problem() is not None
    await database.step()
    assert database.problem() is None
    await database.close()


@dataclass
class Blocked:
    """A store that can be reached but blocks publishing."""

    def problem(self) -> str | None:
        return None

    def note(self) -> str | None:
        return "blocks publishing: low on memory"


async def test_a_blocked_store_is_a_note_and_not_an_outage() -> None:
    status, body = await ask(Health({"queue": Blocked()}, ()), "/health")
    assert status == 200
    assert body["services"] == {"queue": "connected"}
    assert body["notes"] == {"queue": "blocks publishing: low on memory"}
