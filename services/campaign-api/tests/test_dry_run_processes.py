"""Dry runs in a real process: its end, its bounds, its memory."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

from leopard.db.pool import Connection
from running_api import Service
from support.factories import add_campaign, add_customers, rows, until


async def dry_run(client: httpx2.AsyncClient, campaign_id: int, **request: Any) -> httpx2.Response:
    return await client.post(f"/campaigns/{campaign_id}/dry-run", json=request)


async def ended(client: httpx2.AsyncClient, answer: httpx2.Response) -> dict[str, Any]:
    """The dry run at its end."""
    found: dict[str, Any] = answer.json()

    async def is_ended() -> bool:
        found.update((await client.get(answer.headers["location"])).json())
        return bool(found["status"] != "running")

    await until(is_ended, seconds=90)
    return found


async def add_many_customers(connection: Connection, customers: int) -> None:
    await connection.execute(
        """
        INSERT INTO customers (phone, first_name, preferred_language, attributes)
        SELECT '+2547' || lpad(n::text, 8, '0'), repeat('Ann', 60), 'sw', jsonb_build_object('note', repeat('x', 200))
          FROM generate_series(1, %s) AS n
        """,
        [customers],
    )


async def test_sigterm_ends_a_real_process_during_a_dry_run(
    serve: Callable[..., Service], connection: Connection
) -> None:
    campaign_id = await add_campaign(connection, status="draft")
    service = serve()

    async def begun() -> bool:
        return bool(await rows(connection, "SELECT FROM dry_runs"))

    async with httpx2.AsyncClient(base_url=service.url, timeout=20) as client, connection.transaction():
        # the dry run waits for this lock while it counts the recipients
        await connection.execute("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
        starting = asyncio.create_task(dry_run(client, campaign_id, audience={"all": True}))
        await until(begun)
        log = await asyncio.to_thread(service.stop)
        assert (await starting).status_code == 202
    assert service.process.returncode == 0, log
    assert "Traceback" not in log
    [found] = await rows(connection, "SELECT status, problem FROM dry_runs")
    assert found == {"status": "interrupted", "problem": "The service ended it"}


async def test_more_dry_runs_than_may_run_are_refused(serve: Callable[..., Service], connection: Connection) -> None:
    service = serve(max_dry_runs=1)
    campaign_id = await add_campaign(connection, status="draft")
    async with httpx2.AsyncClient(base_url=service.url, timeout=20) as client, connection.transaction():
        await add_customers(connection, 5)
        # the first one waits for this lock while it counts the recipients
        await connection.execute("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
        first = await dry_run(client, campaign_id, audience={"all": True})
        refused = await dry_run(client, campaign_id, audience={"all": True})
    assert first.status_code == 202
    assert refused.status_code == 503
    assert refused.headers["retry-after"]


def highest_mb(service: Service) -> float:
    """The highest resident memory of the process since its start."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


async def test_memory_does_not_grow_with_the_audience(serve: Callable[..., Service], connection: Connection) -> None:
    await add_many_customers(connection, 100_000)
    campaign_id = await add_campaign(connection, status="draft", template="Hi {first_name} {phone}")
    service = serve()
    async with httpx2.AsyncClient(base_url=service.url, timeout=90) as client:
        small = await ended(client, await dry_run(client, campaign_id, audience={"all": True, "limit": 10_000}))
        before = highest_mb(service)
        large = await ended(client, await dry_run(client, campaign_id, audience={"all": True}))
    assert (small["rendered"], large["rendered"]) == (10_000, 100_000)
    assert highest_mb(service) - before < 10
