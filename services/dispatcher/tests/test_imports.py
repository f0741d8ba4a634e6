"""Imports of ended processes do not stay running, and rejected rows are kept for some days only."""

from dispatcher.imports import end_lost_imports, forget_rejects
from leopard.db.pool import Connection
from support.factories import rows


async def add_import(connection: Connection, *, seen_before: str, status: str = "running") -> int:
    [created] = await rows(
        connection,
        """
        INSERT INTO imports (mode, dry_run, status, seen_at, finished_at)
        VALUES ('upsert', false, %(status)s, now() - %(ago)s::interval,
                CASE WHEN %(status)s <> 'running' THEN now() - %(ago)s::interval END)
        RETURNING id
        """.replace("%(status)s", f"'{status}'").replace("%(ago)s", f"'{seen_before}'"),
    )
    await connection.execute(
        "INSERT INTO import_rejects (import_id, first_row, rejects) VALUES (%s, 2, '[]')", [created["id"]]
    )
    return int(created["id"])


async def test_an_import_that_no_process_reports_on_is_interrupted(connection: Connection) -> None:
    lost = await add_import(connection, seen_before="2 minutes")
    await add_import(connection, seen_before="5 seconds")
    await add_import(connection, seen_before="1 hour", status="done")
    assert await end_lost_imports(connection) == [lost]
    assert await end_lost_imports(connection) == []
    found = await rows(connection, "SELECT status, problem, finished_at FROM imports ORDER BY id")
    assert [row["status"] for row in found] == ["interrupted", "running", "done"]
    assert found[0]["problem"]
    assert found[0]["finished_at"]


async def test_rejected_rows_are_deleted_after_some_days(connection: Connection) -> None:
    await add_import(connection, seen_before="8 days", status="done")
    kept = {
        await add_import(connection, seen_before="6 days", status="failed"),
        await add_import(connection, seen_before="8 days"),
    }
    await forget_rejects(connection, days=7)
    assert {row["import_id"] for row in await rows(connection, "SELECT import_id FROM import_rejects")} == kept
