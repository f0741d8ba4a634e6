"""Dry runs in PostgreSQL: their progress and their end. Their processes and clients that cancel compare and set."""

from typing import Any, Final

from psycopg import errors
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from campaign_api.dry_runs.report import DryRunReport
from campaign_api.dry_runs.schemas import DryRun
from campaign_api.web.errors import ApiError, ErrorCode, campaign_not_found
from leopard.db.pool import Connection
from leopard.domain.dry_runs import DryRunStatus

_BEGIN: Final = "INSERT INTO dry_runs (campaign_id) VALUES (%(campaign_id)s) RETURNING id"

_COLUMNS: Final = "id, campaign_id, status, recipients, rendered, problem, report, created_at, finished_at"

_GET: Final = f"SELECT {_COLUMNS} FROM dry_runs WHERE id = %(dry_run_id)s"

_REPORT: Final = """
UPDATE dry_runs
   SET seen_at = now(), recipients = %(recipients)s, rendered = %(rendered)s
 WHERE id = %(dry_run_id)s AND status = 'running'
"""

_END: Final = """
UPDATE dry_runs
   SET status = %(status)s, problem = %(problem)s, report = %(report)s, recipients = %(recipients)s,
       rendered = %(rendered)s, finished_at = now(), seen_at = now()
 WHERE id = %(dry_run_id)s AND status = 'running'
"""

_CANCEL: Final = """
UPDATE dry_runs
   SET status = 'cancelled', finished_at = now(), problem = 'It was cancelled'
 WHERE id = %(dry_run_id)s AND status = 'running'
"""


async def begin_dry_run(connection: Connection, campaign_id: int) -> int:
    """Store a running dry run; returns its id.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND.
    """
    try:
        cursor = await connection.execute(_BEGIN, {"campaign_id": campaign_id})
    except errors.ForeignKeyViolation:
        raise campaign_not_found(campaign_id) from None
    [(dry_run_id,)] = await cursor.fetchall()
    return int(dry_run_id)


async def report_dry_run(connection: Connection, dry_run_id: int, *, recipients: int | None, rendered: int) -> bool:
    """Say that the process works on the dry run; False if it was cancelled, or its campaign deleted."""
    parameters = {"dry_run_id": dry_run_id, "recipients": recipients, "rendered": rendered}
    cursor = await connection.execute(_REPORT, parameters)
    return cursor.rowcount > 0


async def end_dry_run(
    connection: Connection,
    dry_run_id: int,
    status: DryRunStatus,
    *,
    recipients: int | None,
    rendered: int,
    problem: str | None = None,
    report: DryRunReport | None = None,
) -> None:
    """End a dry run that runs."""
    parameters: dict[str, Any] = {
        "dry_run_id": dry_run_id,
        "status": status,
        "problem": problem,
        "report": None if report is None else Jsonb(report.model_dump(mode="json")),
        "recipients": recipients,
        "rendered": rendered,
    }
    await connection.execute(_END, parameters)


async def cancel_dry_run(connection: Connection, dry_run_id: int) -> DryRun:
    """Cancel a running dry run.

    Raises:
        ApiError: DRY_RUN_NOT_FOUND; INVALID_STATUS where it has ended.
    """
    cursor = await connection.execute(_CANCEL, {"dry_run_id": dry_run_id})
    found = await get_dry_run(connection, dry_run_id)
    if cursor.rowcount == 0:
        raise ApiError(ErrorCode.INVALID_STATUS, f"Dry run {dry_run_id} is {found.status}; it cannot be cancelled")
    return found


async def get_dry_run(connection: Connection, dry_run_id: int) -> DryRun:
    """A dry run, with its report once it is done.

    Raises:
        ApiError: DRY_RUN_NOT_FOUND.
    """
    async with connection.cursor(row_factory=class_row(DryRun)) as cursor:
        await cursor.execute(_GET, {"dry_run_id": dry_run_id})
        found = await cursor.fetchone()
    if found is None:
        raise ApiError(ErrorCode.DRY_RUN_NOT_FOUND, f"Dry run {dry_run_id} not found")
    return found
