"""A service says the truth about its dependencies, and says it within two seconds."""

import asyncio
import json
import time
from typing import Any

from leopard.db.pool import Pool, create_pool
from leopard.health import Health, database_check, health_routes, schema_check
from leopard.messaging import broker_check, create_broker
from leopard.testing import Backend

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


async def ask(health: Health, path: str) -> tuple[int, Any]:
    sent: list[dict[str, Any]] = []

    async def send(part: dict[str, Any]) -> None:
        sent.append(part)

    await dict(health_routes(health))[path]({"type": "http", "path": path}, None, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


async def test_healthy_where_everything_answers(pool: Pool, backend: Backend) -> None:
    async with create_broker(backend.amqp_url, service="tests", shutdown_seconds=1) as broker:
        health = Health({"database": database_check(pool), "queue": broker_check(broker)}, (schema_check(pool),))
        for _ in range(3):
            status, body = await ask(health, "/health")
            assert status == 200
            assert body["status"] == "healthy"
            assert body["services"] == {"database": "connected", "queue": "connected"}
            assert body["timestamp"].endswith("Z")
            assert body["version"]
        assert await ask(health, "/readyz") == (200, {"status": "ready"})


async def test_unhealthy_where_something_is_down_and_alive_all_the_same() -> None:
    async def hangs() -> None:
        await asyncio.sleep(60)

    async with create_pool(NOWHERE, size=1, application="tests") as pool:
        broker = create_broker("amqp://guest:guest@127.0.0.1:1/", service="tests", shutdown_seconds=1)
        services = {"database": database_check(pool), "queue": broker_check(broker), "slow": hangs}
        health = Health(services, (schema_check(pool),))
        started = time.monotonic()
        status, body = await ask(health, "/health")
        assert time.monotonic() - started < 2
        assert status == 503
        assert body["status"] == "unhealthy"
        assert set(body["services"].values()) == {"disconnected"}
        assert await ask(health, "/readyz") == (503, {"status": "not ready"})
        assert await ask(health, "/livez") == (200, {"status": "alive"})
