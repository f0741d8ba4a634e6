"""All services work behind a PgBouncer with default settings, in each pooling mode."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest
from psycopg import sql

import campaign_api.main
import dispatcher.main
import sender_worker.main
from campaign_api.settings import ApiSettings
from dispatcher.settings import DispatcherSettings
from leopard.db.migration import migrate
from leopard.db.pool import Connection, create_pool
from leopard.db.schema import newest_revision
from leopard.db.sessions import session_rules
from pooling.pgbouncer import pgbouncer
from sender_worker.settings import WorkerSettings
from support.factories import add_customers, rows, until
from support.stores import Backend
from troubles.scripted import ScriptedProvider, scripted_provider

MESSAGES = 2000
NEW = {"name": "Summer", "channel": "sms", "base_template": "Hi {first_name}"}

# (pooling mode of PgBouncer, setting database_pooling of Leopard)
MODES = [("transaction", "auto"), ("transaction", "transaction"), ("session", "auto"), ("session", "session")]


@pytest.fixture(params=MODES, ids=lambda mode: f"{mode[0]} pooling, setting {mode[1]}")
def pooled(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The settings of services whose database is behind PgBouncer."""
    mode, database_pooling = request.param
    with pgbouncer(database_url, tmp_path, mode=mode) as url:
        yield {"database_url": url, "database_pooling": database_pooling}


@asynccontextmanager
async def running(
    pooled: dict[str, Any], amqp_url: str, provider: ScriptedProvider
) -> AsyncIterator[httpx2.AsyncClient]:
    """Run all services in this process, with two workers. Yield a client of the API."""
    common = {**pooled, "amqp_url": amqp_url}
    working = {"lease_seconds": 16, "batch_size": 100, "provider": "http", "http_url": provider.url}
    api = campaign_api.main.create_app(ApiSettings.model_validate(common))
    others = [
        dispatcher.main.create_app(
            DispatcherSettings.model_validate({**common, "poll_seconds": 0.1, "chunk_size": 250})
        ),
        *(sender_worker.main.create_app(WorkerSettings.model_validate({**common, **working})) for _ in range(2)),
    ]
    async with AsyncExitStack() as stack:
        for app in (api, *others):
            await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx2.ASGITransport(api, raise_app_exceptions=False)
        yield await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://leopard"))


async def test_every_message_of_a_campaign_is_sent_exactly_once(
    pooled: dict[str, Any], connection: Connection, amqp_url: str
) -> None:
    customers = await add_customers(connection, MESSAGES)
    async with scripted_provider() as provider, running(pooled, amqp_url, provider) as client:
        provider.latency_seconds = 0.05
        campaigns = []
        for recipients in ({"customer_ids": customers[: MESSAGES // 2]}, {"audience": {"all": True}}):
            campaigns.append((await client.post("/campaigns", json=NEW)).raise_for_status().json()["id"])
            (await client.post(f"/campaigns/{campaigns[-1]}/send", json=recipients)).raise_for_status()

        async def finished() -> bool:
            found = [(await client.get(f"/campaigns/{id_}")).raise_for_status().json() for id_ in campaigns]
            return all(campaign["status"] == "sent" for campaign in found)

        await until(finished, seconds=120)
    total = MESSAGES + MESSAGES // 2
    assert await rows(connection, "SELECT status, count(*) FROM outbound_messages GROUP BY status") == [
        {"status": "sent", "count": total}
    ]
    assert len(provider.accepted) == total
    assert set(provider.accepted.values()) == {1}


async def test_every_request_of_the_api_works(pooled: dict[str, Any], connection: Connection, amqp_url: str) -> None:
    name = sql.Identifier(connection.info.dbname)
    await connection.execute(sql.SQL("ALTER DATABASE {} SET timezone = 'Asia/Kolkata'").format(name))
    api = campaign_api.main.create_app(ApiSettings.model_validate({**pooled, "amqp_url": amqp_url}))
    transport = httpx2.ASGITransport(api, raise_app_exceptions=False)
    async with (
        api.router.lifespan_context(api),
        httpx2.AsyncClient(transport=transport, base_url="http://leopard") as client,
    ):
        # enough requests to prepare statements, and concurrent ones, so that clients change server sessions
        await asyncio.gather(*(use_api(client, number) for number in range(20)))


async def use_api(client: httpx2.AsyncClient, number: int) -> None:
    """Use most requests of the API, as one client."""

    async def request(method: str, path: str, status: int, json: Any = None, **headers: str) -> Any:
        answer = await client.request(method, path, json=json, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    customer = await request("POST", "/customers", 201, {"phone": f"+2547001{number:05d}", "first_name": "Alice"})
    assert customer["created_at"].endswith("Z")
    await request("PATCH", f"/customers/{customer['id']}", 200, {"location": "Nairobi"})
    await request("POST", "/customers", 400, {"phone": customer["phone"]})
    draft = await request("POST", "/campaigns", 201, NEW, **{"Idempotency-Key": f"create {number}"})
    again = await request("POST", "/campaigns", 201, NEW, **{"Idempotency-Key": f"create {number}"})
    assert again == draft
    assert draft["created_at"].endswith("Z")
    campaign = f"/campaigns/{draft['id']}"
    await request("PATCH", campaign, 200, {"scheduled_at": "2030-01-31T09:00:00+03:00"})
    read = await request("GET", campaign, 200)
    assert read["scheduled_at"] == "2030-01-31T06:00:00Z"
    await request("POST", f"{campaign}/personalized-preview", 200, {"customer_id": customer["id"]})
    await request("POST", f"{campaign}/send", 200, {"customer_ids": [customer["id"]]}, **{"Idempotency-Key": "send"})
    await request("POST", f"{campaign}/pause", 200)
    await request("POST", f"{campaign}/resume", 200)
    await request("POST", f"{campaign}/cancel", 200)
    await request("GET", f"{campaign}/messages", 200)
    await request("GET", "/campaigns?page=1", 200)
    await request("GET", "/customers", 200)
    await request("GET", "/campaigns/999999", 404)
    await request("DELETE", f"/customers/{customer['id']}", 204)


async def test_timeouts_apply_to_statements_and_do_not_stay_in_the_session(pooled: dict[str, Any]) -> None:
    settings = ApiSettings.model_validate({**pooled, "amqp_url": "amqp://127.0.0.1/", "lock_timeout_seconds": 1.5})
    rules = session_rules(settings)
    async with create_pool(pooled["database_url"], size=4, application="tests", rules=rules) as pool:

        async def check_timeout() -> None:
            async with pool.connection() as own:
                assert await rows(own, "SHOW lock_timeout") == [{"lock_timeout": "1500ms"}]
                async with own.transaction():
                    assert await rows(own, "SHOW lock_timeout") == [{"lock_timeout": "1500ms"}]

        for _ in range(10):
            await asyncio.gather(*(check_timeout() for _ in range(8)))
    with psycopg.connect(pooled["database_url"], autocommit=True) as other_client:
        row = other_client.execute("SELECT current_setting('lock_timeout')").fetchone()
    assert row == ("0",)


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_migrations_run_once_behind_a_pooler(backend: Backend, tmp_path: Path, mode: str) -> None:
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(backend.admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with pgbouncer(backend.database_url(name), tmp_path, mode=mode) as url:
        assert migrate(url) == (None, newest_revision())
        assert migrate(url) == (newest_revision(), newest_revision())
        with psycopg.connect(backend.database_url(name)) as direct:
            left = direct.execute(
                "SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database"
                " WHERE locktype = 'advisory' AND datname = current_database()"
            )
            assert left.rowcount == 0
