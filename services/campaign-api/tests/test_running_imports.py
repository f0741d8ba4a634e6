"""Imports run beside each other, campaigns and other changes; they show their progress and can be ended."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest

from campaign_api.imports import progress
from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers, rows, until
from support.uploads import HEADER, counts_of, stored, upload


async def test_an_import_shows_its_progress_and_can_be_cancelled(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    cancelled = asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        yield HEADER
        yield b"".join(b"+2547%08d,Ann,1\n" % n for n in range(12_000))
        await cancelled.wait()
        yield b"+254799999999,Late,1\n"
        await asyncio.sleep(30)

    running = asyncio.create_task(upload(client, content()))
    async with asyncio.timeout(20):
        while True:
            listed = (await client.get("/imports")).json()["imports"]
            if listed and listed[0]["rows"]:
                break
            await asyncio.sleep(0.05)
    assert (listed[0]["status"], listed[0]["rows"], listed[0]["created"]) == ("running", 10_000, 10_000)
    assert listed[0]["rows_per_second"] > 0
    path = f"/imports/{listed[0]['id']}"
    assert (await client.post(f"{path}/cancel")).json()["status"] == "cancelled"
    cancelled.set()
    answer = await asyncio.wait_for(running, 20)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "INVALID_STATUS"
    assert "its first 10000 rows are stored" in answer.json()["error"]["message"]
    assert len(await rows(connection, "SELECT FROM customers")) == 10_000
    again = await client.post(f"{path}/cancel")
    assert again.json()["error"]["code"] == "INVALID_STATUS"


async def test_an_upload_that_stands_still_is_given_up(serve: Callable[..., Any], connection: Connection) -> None:
    service = serve(import_idle_seconds=0.5)

    async def content() -> AsyncIterator[bytes]:
        yield HEADER
        await asyncio.sleep(5)

    async with httpx2.AsyncClient(base_url=service.url, timeout=20) as client:
        answer = await upload(client, content())
    assert answer.status_code == 400
    assert "sent nothing" in answer.json()["error"]["message"]
    [found] = await rows(connection, "SELECT status FROM imports")
    assert found["status"] == "interrupted"


async def test_two_imports_of_the_same_customers_do_not_deadlock(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    numbers = list(range(40_000))
    files = [
        HEADER + b"".join(b"+2547%08d,%s,1\n" % (n, name) for n in order)
        for name, order in ((b"Ann", numbers), (b"Ben", numbers[::-1]))
    ]
    answers = await asyncio.gather(*(upload(client, file) for file in files))
    assert [sum(counts_of(answer).values()) for answer in answers] == [40_000, 40_000]
    assert sum(counts_of(answer).get("created", 0) for answer in answers) == 40_000
    [found] = await rows(connection, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert found["deadlocks"] == 0


async def _running(client: httpx2.AsyncClient) -> bool:
    return bool((await client.get("/imports")).json()["imports"])


async def test_more_imports_than_may_run_are_refused(serve: Callable[..., Any]) -> None:
    service = serve(max_imports=1)
    started, release = asyncio.Event(), asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        yield HEADER
        started.set()
        await release.wait()

    async with httpx2.AsyncClient(base_url=service.url, timeout=20) as client:
        running = asyncio.create_task(upload(client, content()))
        await started.wait()
        await until(lambda: _running(client))
        refused = await upload(client, HEADER)
        release.set()
        assert (await running).status_code == 201
    assert refused.status_code == 503
    assert refused.headers["retry-after"]


async def test_attributes_stay_within_their_limits(serve: Callable[..., Any]) -> None:
    service = serve(max_attributes=2)
    async with httpx2.AsyncClient(base_url=service.url, timeout=20) as client:
        await upload(client, b"phone,a,b\n+254700000001,1,1\n")
        answer = await upload(client, b"phone,c\n+254700000001,1\n+254700000002,1\n")
        assert counts_of(answer) == {"created": 1, "rejected": 1}
        assert "too many attributes" in answer.json()["rejects"][0]["reason"]
        many = await upload(client, b"phone,d,e,f\n+254700000003,1,1,1\n")
        assert counts_of(many) == {"rejected": 1}


async def test_a_customer_that_someone_else_changes_is_not_overwritten_by_what_was_read_before(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    [customer_id] = await add_customers(connection, 1)
    async with connection.transaction():
        await connection.execute(
            "UPDATE customers SET last_name = 'Changed', attributes = '{\"other\": 1}' WHERE id = %s", [customer_id]
        )
        running = asyncio.create_task(upload(client, HEADER + b"+254700000000,Ann,1\n"))
        await asyncio.sleep(0.5)
        assert not running.done()
    assert counts_of(await running) == {"updated": 1}
    assert await stored(connection) == {
        "+254700000000": {
            "first_name": "Ann", "last_name": "Changed", "location": "Nairobi",
            "attributes": {"other": 1, "points": 1},
        }
    }  # fmt: skip


async def test_an_import_rests_while_a_campaign_sends(
    client: httpx2.AsyncClient, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "REST", 10.0)
    content = HEADER + b"".join(b"+2547%08d,Ann,1\n" % n for n in range(10_000))
    loop = asyncio.get_running_loop()
    seconds = []
    for _ in range(2):
        started = loop.time()
        await upload(client, content)
        seconds.append(loop.time() - started)
        await connection.execute("TRUNCATE customers CASCADE")
        await add_campaign(connection)
    assert seconds[1] > 2 * seconds[0]
