"""Dry runs of ended processes do not stay running, and old ones are deleted."""

from dispatcher.dry_runs import end_lost_dry_runs, forget_dry_runs
from leopard.db.pool import Connection
from support.factories import add_campaign, rows


async def add_dry_run(connection: Connection, *, seen_before: str, status: str = "running") -> int:
    [created] = await rows(
        connection,
        """
        INSERT INTO dry_runs (campaign_id, status, seen_at, finished_at)
        VALUES (%s, %s, now() - %s::interval, CASE WHEN %s <> 'running' THEN now() - %s::interval END)
        RETURNING id
        """,
        await add_campaign(connection),
        status,
        seen_before,
        status,
        seen_before,
    )
    return int(created["id"])


async def test_a_dry_run_that_no_process_reports_on_is_interrupted(connection: Connection) -> None:
    lost = await add_dry_run(connection, seen_before="2 minutes")
    await add_dry_run(connection, seen_before="5 seconds")
    await add_dry_run(connection, seen_before="1 hour", status="done")
    assert await end_lost_dry_runs(connection) == [lost]
    assert await end_lost_dry_runs(connection) == []
    found = await rows(connection, "SELECT status, problem, finished_at FROM dry_runs ORDER BY id")
    assert [row["status"] for row in found] == ["interrupted", "running", "done"]
    assert found[0]["problem"]
    assert found[0]["finished_at"]


async def test_dry_runs_are_deleted_after_some_days(connection: Connection) -> None:
    await add_dry_run(connection, seen_before="8 days", status="done")
    kept = {
        await add_dry_run(connection, seen_before="6 days", status="failed"),
        await add_dry_run(connection, seen_before="8 days"),
    }
    await forget_dry_runs(connection, days=7)
    assert {row["id"] for row in await rows(connection, "SELECT id FROM dry_runs")} == kept
