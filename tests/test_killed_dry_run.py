"""A dry run whose process is killed does not stay running."""

import contextlib
import threading
from pathlib import Path

import httpx2

from dispatcher.dry_runs import end_lost_dry_runs
from leopard.db.pool import Connection
from running_api import start_api
from support.factories import add_campaign, rows, until

UNAVAILABLE_BROKER = "amqp://guest:guest@127.0.0.1:1/"


async def test_the_dispatcher_ends_a_dry_run_whose_process_was_killed(
    database_url: str, connection: Connection, tmp_path: Path
) -> None:
    campaign_id = await add_campaign(connection, status="draft")
    service = start_api(database_url, UNAVAILABLE_BROKER, tmp_path)

    def start() -> None:
        with contextlib.suppress(httpx2.HTTPError):
            httpx2.post(f"{service.url}/campaigns/{campaign_id}/dry-run", json={"audience": {"all": True}}, timeout=20)

    async def reported() -> bool:
        return bool(await rows(connection, "SELECT FROM dry_runs WHERE seen_at > created_at"))

    starting = threading.Thread(target=start)
    try:
        async with connection.transaction():
            # the dry run waits for this lock while it counts the recipients
            await connection.execute("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
            starting.start()
            await until(reported)
            service.process.kill()
            service.process.wait()
    finally:
        service.process.kill()
        starting.join()
    assert await end_lost_dry_runs(connection) == []
    await connection.execute("UPDATE dry_runs SET seen_at = seen_at - interval '1 minute'")
    assert len(await end_lost_dry_runs(connection)) == 1
    [found] = await rows(connection, "SELECT status, report, problem FROM dry_runs")
    assert (found["status"], found["report"]) == ("interrupted", None)
    assert found["problem"]
