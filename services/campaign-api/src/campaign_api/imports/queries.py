"""Imports in PostgreSQL: their progress and their end. Uploads and clients that cancel them compare and set."""

from typing import Final

from psycopg.rows import class_row

from campaign_api.imports.orders import ImportQuery
from campaign_api.imports.schemas import LISTED_REJECTS, Import, ImportWithRejects, RejectedRow
from campaign_api.web.errors import ApiError, ErrorCode
from leopard.db.pool import Connection
from leopard.domain.imports import ImportStatus

_BEGIN: Final = """
INSERT INTO imports (mode, dry_run, default_country, bytes_total)
VALUES (%(mode)s, %(dry_run)s, %(default_country)s, %(bytes_total)s)
RETURNING id
"""

_COLUMNS: Final = """
    id, status, mode, dry_run, default_country, format, encoding, columns, bytes_total, bytes_read, rows, created,
    updated, unchanged, rejected, duplicates, problem, created_at, finished_at,
    round((rows / GREATEST(extract(epoch FROM COALESCE(finished_at, now()) - created_at), 0.001))::numeric, 1)::float8
        AS rows_per_second
"""

_GET: Final = f"SELECT {_COLUMNS} FROM imports WHERE id = %(import_id)s"

_LIST: Final = f"""
SELECT {_COLUMNS} FROM imports WHERE id < %(before)s ORDER BY id DESC LIMIT %(limit)s
"""

_FIRST_REJECTS: Final = f"""
SELECT (reject->>'row')::bigint AS row, reject->>'column' AS "column", reject->>'reason' AS reason
  FROM import_rejects CROSS JOIN LATERAL jsonb_array_elements(rejects) WITH ORDINALITY AS listed (reject, position)
 WHERE import_id = %(import_id)s
 ORDER BY first_row, position
 LIMIT {LISTED_REJECTS}
"""

_REPORT: Final = """
UPDATE imports
   SET seen_at = now(), bytes_read = %(bytes_read)s
 WHERE id = %(import_id)s AND status = 'running'
"""

_END: Final = """
UPDATE imports
   SET status = %(status)s, problem = %(problem)s, finished_at = now(), seen_at = now(), bytes_read = %(bytes_read)s
 WHERE id = %(import_id)s AND status = 'running'
"""

_CANCEL: Final = """
UPDATE imports
   SET status = 'cancelled', finished_at = now(), problem = 'it was cancelled'
 WHERE id = %(import_id)s AND status = 'running'
"""


async def begin_import(connection: Connection, query: ImportQuery, *, bytes_total: int | None) -> int:
    """Store a running import; returns its id."""
    cursor = await connection.execute(
        _BEGIN, {**query.model_dump(include={"mode", "dry_run", "default_country"}), "bytes_total": bytes_total}
    )
    [(import_id,)] = await cursor.fetchall()
    return int(import_id)


async def report(connection: Connection, import_id: int, *, bytes_read: int) -> bool:
    """Say that the process works on the import; False if it was cancelled."""
    cursor = await connection.execute(_REPORT, {"import_id": import_id, "bytes_read": bytes_read})
    return cursor.rowcount > 0


async def end_import(
    connection: Connection, import_id: int, status: ImportStatus, *, problem: str | None, bytes_read: int
) -> None:
    """End an import that runs."""
    parameters = {"import_id": import_id, "status": status, "problem": problem, "bytes_read": bytes_read}
    await connection.execute(_END, parameters)


async def cancel_import(connection: Connection, import_id: int) -> Import:
    """Cancel a running import. What it has stored stays.

    Raises:
        ApiError: IMPORT_NOT_FOUND; INVALID_STATUS where it has ended.
    """
    cursor = await connection.execute(_CANCEL, {"import_id": import_id})
    found = await _get(connection, import_id)
    if cursor.rowcount == 0:
        raise ApiError(ErrorCode.INVALID_STATUS, f"Import {import_id} is {found.status}; it cannot be cancelled")
    return found


async def get_import(connection: Connection, import_id: int) -> ImportWithRejects:
    """An import with the first rows that it rejected.

    Raises:
        ApiError: IMPORT_NOT_FOUND.
    """
    found = await _get(connection, import_id)
    async with connection.cursor(row_factory=class_row(RejectedRow)) as cursor:
        await cursor.execute(_FIRST_REJECTS, {"import_id": import_id})
        return ImportWithRejects(**found.model_dump(), rejects=await cursor.fetchall())


async def list_imports(connection: Connection, *, before: int, limit: int) -> list[Import]:
    """Imports with ids below `before`, newest first."""
    async with connection.cursor(row_factory=class_row(Import)) as cursor:
        await cursor.execute(_LIST, {"before": before, "limit": limit})
        return await cursor.fetchall()


async def _get(connection: Connection, import_id: int) -> Import:
    async with connection.cursor(row_factory=class_row(Import)) as cursor:
        await cursor.execute(_GET, {"import_id": import_id})
        found = await cursor.fetchone()
    if found is None:
        raise ApiError(ErrorCode.IMPORT_NOT_FOUND, f"Import {import_id} not found")
    return found
