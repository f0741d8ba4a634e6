"""The rejected rows of an import: kept in batches, and read as CSV with the reason as the last column."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from psycopg.types.json import Jsonb

from campaign_api.imports.columns import REASON
from campaign_api.imports.customers import Reject
from leopard.db.pool import Connection, Pool
from leopard.domain.spreadsheet_cells import csv_text, protected

_KEEP: Final = "INSERT INTO import_rejects (import_id, first_row, rejects) VALUES (%(import_id)s, %(row)s, %(rejects)s)"

_NEXT: Final = """
SELECT first_row, rejects FROM import_rejects
 WHERE import_id = %(import_id)s AND first_row > %(after)s
 ORDER BY first_row
 LIMIT 1
"""


async def keep_rejects(connection: Connection, import_id: int, rejects: Sequence[Reject]) -> None:
    """Store rejected rows, in the caller's transaction."""
    if rejects:
        kept = [
            {"row": one.number, "column": one.column, "reason": one.reason, "cells": list(one.cells)} for one in rejects
        ]
        parameters = {"import_id": import_id, "row": rejects[0].number, "rejects": Jsonb(kept)}
        await connection.execute(_KEEP, parameters)


async def rejects_as_csv(pool: Pool, import_id: int, columns: Sequence[str]) -> AsyncIterator[str]:
    """The rejected rows as CSV, one part for each batch. A client that reads slowly holds no connection.

    Args:
        pool: Connections to read with.
        import_id: The import.
        columns: The header of the file; empty for NDJSON.
    """
    header = list(columns) or ["line"]
    yield csv_text([[*map(protected, header), REASON]])
    after = 0
    while True:
        async with pool.connection() as connection:
            cursor = await connection.execute(_NEXT, {"import_id": import_id, "after": after})
            row = await cursor.fetchone()
        if row is None:
            return
        after, rejects = row
        yield csv_text(_row(reject, len(header)) for reject in rejects)


def _row(reject: dict[str, Any], width: int) -> list[str]:
    cells = [protected(cell) if cell else "" for cell in reject["cells"]]
    reason = f"{reject['column']} {reject['reason']}" if reject["column"] else reject["reason"]
    # what exceeds the header's width is shown in its last column, so that the reason stays the last one
    cells = [*cells[: width - 1], " ".join(cells[width - 1 :])] if len(cells) > width else cells
    return [*cells, *[""] * (width - len(cells)), protected(f"row {reject['row']}: {reason}")]
