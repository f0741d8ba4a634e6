"""Run a dispatcher and workers in this process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
from starlette.applications import Starlette

import dispatcher.main
import sender_worker.main
from dispatcher.settings import DispatcherSettings
from leopard.db.pool import Connection
from sender_worker.settings import WorkerSettings
from support.factories import add_campaign, add_customers, add_messages, rows, until


@asynccontextmanager
async def services(
    database_url: str, amqp_url: str, *, url: str, workers: int = 1, lease_seconds: float = 16, **settings: Any
) -> AsyncIterator[list[Starlette]]:
    """Run a dispatcher and workers for the length of the block. The dispatcher is the first in the list."""
    stores = {"database_url": database_url, "amqp_url": amqp_url, "lease_seconds": lease_seconds}
    worker = {"provider": "http", "http_url": url, "http_timeout_seconds": 2, "backoff_seconds": 0.2, **settings}
    async with AsyncExitStack() as stack:
        apps = [
            dispatcher.main.create_app(
                DispatcherSettings.model_validate({**stores, "poll_seconds": 0.1, "sweep_seconds": 1})
            ),
            *(
                sender_worker.main.create_app(WorkerSettings.model_validate({**stores, **worker}))
                for _ in range(workers)
            ),
        ]
        for app in apps:
            await stack.enter_async_context(app.router.lifespan_context(app))
        yield apps


async def answer_of(app: Starlette, path: str) -> tuple[int, dict[str, Any]]:
    """Return the status and body of a service's answer."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://leopard") as client:
        answer = await client.get(path)
    return answer.status_code, answer.json()


async def readiness(app: Starlette) -> tuple[int, list[str]]:
    """Return the status and reasons that a service answers to `/readyz`."""
    status, body = await answer_of(app, "/readyz")
    return status, body.get("reasons", [])


async def until_ready(apps: list[Starlette], *, seconds: float = 20) -> None:
    """Wait until every service is ready."""

    async def ready() -> bool:
        return all([(await readiness(app))[0] == 200 for app in apps])

    await until(ready, seconds=seconds)


async def campaign_of(connection: Connection, count: int, *, template: str = "Hi {first_name}") -> int:
    """Add a campaign that is sending to `count` customers. Return its id."""
    # a sending campaign without messages would be finished; a paused one is not
    campaign_id = await add_campaign(connection, status="paused", template=template)
    [existing] = await rows(connection, "SELECT count(*) FROM customers")
    await add_messages(connection, campaign_id, await add_customers(connection, count, first_number=existing["count"]))
    await connection.execute("UPDATE campaigns SET status = 'sending' WHERE id = %s", [campaign_id])
    return campaign_id


async def statuses(connection: Connection, campaign_id: int) -> dict[str, int]:
    """Return the number of messages in each status. A message that waits for a retry counts as pending."""
    found = await rows(
        connection,
        """
        SELECT CASE WHEN status = 'failed' AND next_attempt_at IS NOT NULL THEN 'pending' ELSE status END AS status,
               count(*)
          FROM outbound_messages
         WHERE campaign_id = %s
         GROUP BY 1
        """,
        campaign_id,
    )
    return {row["status"]: row["count"] for row in found}


async def until_finished(connection: Connection, campaign_id: int, *, seconds: float = 60) -> dict[str, int]:
    """Wait until a campaign is finished. Return the number of its messages in each status."""

    async def finished() -> bool:
        [campaign] = await rows(connection, "SELECT status FROM campaigns WHERE id = %s", campaign_id)
        return campaign["status"] in {"sent", "failed"}

    await until(finished, seconds=seconds)
    return await statuses(connection, campaign_id)
