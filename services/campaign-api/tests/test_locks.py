"""A lock of another transaction delays only requests for the locked row, and only for a short time."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import pytest

from campaign_api.settings import ApiSettings
from leopard.db.pool import Connection, Pool
from support.factories import add_campaign, add_customers

# much longer than a request may wait, for busy machines
MAX_SECONDS = 12
MORE_THAN_THE_POOL = 3 * ApiSettings.model_fields["database_pool_size"].default
NEW = {"name": "Summer", "channel": "sms", "base_template": "Hi"}
Locking = Callable[..., AbstractAsyncContextManager[None]]


@pytest.fixture
def locked(pool: Pool) -> Locking:
    """A function that runs statements in another transaction, which stays open during the block."""

    @asynccontextmanager
    async def locking(*statements: str) -> AsyncIterator[None]:
        async with pool.connection() as connection, connection.transaction(force_rollback=True):
            for statement in statements:
                await connection.execute(statement)
            yield

    return locking


async def assert_locked(answers: list[httpx2.Response], locked_object: str) -> None:
    for answer in answers:
        assert answer.status_code == 503, answer.text
        error = answer.json()["error"]
        assert error == {
            "code": "UNAVAILABLE",
            "message": f"{locked_object} is locked by another transaction; try again later",
        }
        assert int(answer.headers["retry-after"]) > 0


async def timed(requests: list[Any]) -> list[httpx2.Response]:
    async with asyncio.timeout(MAX_SECONDS):
        return list(await asyncio.gather(*requests))


def start(requests: list[Any]) -> asyncio.Task[list[httpx2.Response]]:
    return asyncio.create_task(timed(requests))


async def test_only_the_locked_campaign_is_unavailable(
    client: httpx2.AsyncClient, connection: Connection, locked: Locking
) -> None:
    customers = await add_customers(connection, 2)
    for _ in range(2):
        await add_campaign(connection, status="draft")
    async with locked("UPDATE campaigns SET name = name WHERE id = 1"):
        sends = start(
            [client.post("/campaigns/1/send", json={"customer_ids": customers}) for _ in range(MORE_THAN_THE_POOL)]
        )
        rounds = 0
        while not sends.done():
            started = time.monotonic()
            others = [
                await client.get("/campaigns/1"),
                await client.get("/campaigns"),
                await client.patch("/campaigns/2", json={"name": "Other"}),
                await client.post("/campaigns", json=NEW),
                await client.post("/customers", json={"phone": f"+2547110{rounds:05}"}),
            ]
            assert [answer.status_code for answer in others] == [200, 200, 200, 201, 201]
            rounds += 1
            await asyncio.sleep(0.1)
        assert rounds > 1, f"other requests waited {time.monotonic() - started:.1f} s"
        await assert_locked(await sends, "Campaign 1")
    assert (await client.post("/campaigns/1/send", json={"customer_ids": customers})).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PATCH", "", {"name": "New"}, "draft"),
        ("DELETE", "", None, "draft"),
        ("POST", "/send", {"audience": {"all": True}}, "draft"),
        ("POST", "/pause", None, "sending"),
        ("POST", "/resume", None, "paused"),
        ("POST", "/cancel", None, "sending"),
    ],
)
async def test_every_change_of_a_locked_campaign_gives_the_reason(
    client: httpx2.AsyncClient, connection: Connection, locked: Locking, method: str, path: str, body: Any, status: str
) -> None:
    await add_customers(connection, 1)
    await add_campaign(connection, status=status)
    async with locked("SELECT FROM campaigns WHERE id = 1 FOR UPDATE"):
        await assert_locked(await timed([client.request(method, f"/campaigns/1{path}", json=body)]), "Campaign 1")


async def test_only_the_locked_customer_is_unavailable(
    client: httpx2.AsyncClient, connection: Connection, locked: Locking
) -> None:
    customers = await add_customers(connection, 3)
    for _ in range(2):
        await add_campaign(connection, status="draft")
    async with locked("SELECT FROM customers WHERE id = 1 FOR UPDATE"):
        # first, so that it waits for the customer and not for its turn
        named = start([client.post("/campaigns/1/send", json={"customer_ids": customers})])
        changes = start([client.patch("/customers/1", json={"first_name": "A"}) for _ in range(MORE_THAN_THE_POOL)])
        deleted = start([client.delete("/customers/1")])
        assert (await client.patch("/customers/2", json={"first_name": "A"})).status_code == 200
        assert (await client.post("/campaigns/2/send", json={"customer_ids": customers[1:]})).status_code == 200
        await assert_locked([*await changes, *await deleted], "Customer 1")
        await assert_locked(await named, "A customer of this request")


async def test_only_a_phone_that_another_transaction_adds_is_unavailable(
    client: httpx2.AsyncClient, locked: Locking
) -> None:
    async with locked("INSERT INTO customers (phone) VALUES ('+254700123456')"):
        creations = [client.post("/customers", json={"phone": "+254700123456"}) for _ in range(MORE_THAN_THE_POOL)]
        answers = start(creations)
        assert (await client.post("/customers", json={"phone": "+254700123457"})).status_code == 201
        assert {answer.status_code for answer in await answers} == {503}


async def test_only_the_locked_idempotency_key_is_unavailable(client: httpx2.AsyncClient, locked: Locking) -> None:
    key = {"Idempotency-Key": "a"}
    async with locked("INSERT INTO idempotency_keys (key, endpoint, request_hash) VALUES ('a', 'POST /campaigns', '')"):
        creations = [client.post("/campaigns", json=NEW, headers=key) for _ in range(MORE_THAN_THE_POOL)]
        answers = start(creations)
        assert (await client.post("/campaigns", json=NEW)).status_code == 201
        assert (await client.post("/campaigns", json=NEW, headers={"Idempotency-Key": "b"})).status_code == 201
        await assert_locked(await answers, "This Idempotency-Key")


async def test_many_locked_campaigns_leave_connections_for_reads(
    client: httpx2.AsyncClient, connection: Connection, locked: Locking
) -> None:
    ids = [await add_campaign(connection, status="draft") for _ in range(MORE_THAN_THE_POOL)]
    async with locked("SELECT FROM campaigns FOR UPDATE"):
        changes = start([client.patch(f"/campaigns/{id_}", json={"name": "A"}) for id_ in ids])
        await asyncio.sleep(0.2)
        assert (await client.get("/campaigns/1")).status_code == 200
        assert not changes.done()
        assert {answer.status_code for answer in await changes} == {503}


async def test_a_blocked_creation_of_campaigns_delays_no_other_request(
    client: httpx2.AsyncClient, locked: Locking
) -> None:
    async with locked("SELECT pg_advisory_xact_lock('campaigns'::regclass::oid::bigint)"):
        creations = start([client.post("/campaigns", json=NEW) for _ in range(MORE_THAN_THE_POOL)])
        assert (await client.get("/campaigns")).status_code == 200
        assert (await client.post("/customers", json={"phone": "+254700123457"})).status_code == 201
        await assert_locked(await creations, "The list of campaigns")


@pytest.mark.parametrize(
    ("sqlstate", "reason"), [("57014", "took too long"), ("40P01", "in the way"), ("40001", "in the way")]
)
async def test_a_statement_that_the_database_aborts_is_unavailable_with_a_reason(
    client: httpx2.AsyncClient, connection: Connection, sqlstate: str, reason: str
) -> None:
    await connection.execute(
        f"""
        CREATE FUNCTION give_up() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'of the inside' USING ERRCODE = '{sqlstate}'; END $$;
        CREATE TRIGGER give_up BEFORE INSERT ON campaigns EXECUTE FUNCTION give_up();
        """
    )
    answer = await client.post("/campaigns", json=NEW)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
    assert reason in answer.json()["error"]["message"]
    assert "inside" not in answer.text
    assert int(answer.headers["retry-after"]) > 0
