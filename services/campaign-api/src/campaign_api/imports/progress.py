"""The progress of one import: each batch and its counts are stored in one transaction."""

import asyncio
import time
from typing import Any, Final

from psycopg import errors
from psycopg.types.json import Jsonb

from campaign_api.imports.batches import Batch
from campaign_api.imports.customers import Reject
from campaign_api.imports.orders import ImportOrder
from campaign_api.imports.rejects import keep_rejects
from campaign_api.imports.storing import Stored, store
from campaign_api.imports.uploads import UploadedFile
from campaign_api.metrics import IMPORT_ROWS
from leopard.db.pool import DATABASE_UNAVAILABLE, Connection, Pool
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

PATIENCE_SECONDS: Final = 60.0
"""How long one batch is tried while the database is unavailable or rows are locked."""

REST: Final = 2.0
"""While a campaign sends, an import rests this many times as long as its batch took."""

_AGAIN: Final = (errors.DeadlockDetected, errors.LockNotAvailable, errors.SerializationFailure, *DATABASE_UNAVAILABLE)

# Compares the rows that were done before: a batch whose commit was not answered is not counted twice.
_ADVANCE: Final = """
UPDATE imports
   SET rows = %(after)s, created = created + %(created)s, updated = updated + %(updated)s,
       unchanged = unchanged + %(unchanged)s, rejected = rejected + %(rejected)s,
       duplicates = duplicates + %(duplicates)s, rejects_kept = rejects_kept + %(kept)s,
       bytes_read = %(bytes_read)s, seen_at = now(), format = %(format)s, encoding = %(encoding)s,
       columns = %(columns)s
 WHERE id = %(import_id)s AND status = 'running' AND rows = %(before)s
"""

_ROWS: Final = "SELECT rows FROM imports WHERE id = %(import_id)s AND status = 'running'"

_SENDING: Final = "SELECT EXISTS (SELECT FROM campaigns WHERE status = 'sending')"


class ImportEndedError(Exception):
    """The import is no longer running: a client has cancelled it, or it was given up."""


class Progress:
    """Stores the batches of one import."""

    def __init__(self, pool: Pool, order: ImportOrder) -> None:
        self._pool = pool
        self._order = order
        self._id = order.import_id
        self._rejects_left = order.most_rejects
        self.rows = 0
        """Rows whose batches are stored."""

    async def add(self, batch: Batch, file: UploadedFile, bytes_read: int) -> None:
        """Store a batch, and rest while a campaign sends.

        Raises:
            ImportEndedError: The import is no longer running.
            psycopg.Error: PostgreSQL refuses, or stays unavailable.
        """
        started = time.monotonic()
        pause = 0.05
        while True:
            try:
                sending = await self._add_once(batch, file, bytes_read)
                break
            except _AGAIN as error:
                if time.monotonic() - started > PATIENCE_SECONDS:
                    raise
                log.info("trying a batch of an import again", import_id=self._id, error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2)
        self.rows += batch.rows
        if sending:
            await asyncio.sleep((time.monotonic() - started) * REST)

    async def _add_once(self, batch: Batch, file: UploadedFile, bytes_read: int) -> bool:
        """Store the batch; returns whether a campaign is being sent."""
        async with self._pool.connection() as connection:
            async with connection.transaction():
                order = self._order
                stored = await store(connection, batch, order.mode, order.file.limits, dry_run=order.dry_run)
                rejects = _all_rejects(batch, stored)
                results = _results(batch, stored, len(rejects))
                kept = rejects[: self._rejects_left]
                await keep_rejects(connection, self._id, kept)
                advanced = await connection.execute(
                    _ADVANCE,
                    {
                        "import_id": self._id,
                        "before": self.rows,
                        "after": self.rows + batch.rows,
                        **results,
                        "kept": len(kept),
                        "bytes_read": bytes_read,
                        "format": file.format,
                        "encoding": file.encoding,
                        "columns": Jsonb(columns_of(file)),
                    },
                )
                if advanced.rowcount == 0:
                    await self._refuse_unless_stored(connection, self.rows + batch.rows)
            cursor = await connection.execute(_SENDING)
            [(sending,)] = await cursor.fetchall()
        self._rejects_left -= len(kept)
        for result, rows in results.items():
            IMPORT_ROWS.labels(result).inc(rows)
        return bool(sending)

    async def _refuse_unless_stored(self, connection: Connection, rows: int) -> None:
        """Go on where the try before has stored the batch; roll back what this one did.

        Raises:
            ImportEndedError: The import is no longer running.
        """
        cursor = await connection.execute(_ROWS, {"import_id": self._id})
        if await cursor.fetchone() != (rows,):
            raise ImportEndedError


def columns_of(file: UploadedFile) -> list[dict[str, Any]]:
    """The columns of a CSV file with their fields."""
    if file.header is None:
        return []
    return [{"name": name, "field": field} for name, field in zip(file.header.names, file.header.fields, strict=True)]


def _all_rejects(batch: Batch, stored: Stored) -> list[Reject]:
    refused = [
        Reject(customer.number, None, stored.refused[customer.number], customer.cells)
        for customer in batch.customers
        if customer.number in stored.refused
    ]
    return sorted([*batch.rejects, *refused], key=lambda reject: reject.number)


def _results(batch: Batch, stored: Stored, rejected: int) -> dict[str, int]:
    """How many rows had each result. A row counts once: where an earlier batch had its number, as a duplicate."""
    results = {"created": 0, "updated": 0, "unchanged": 0, "duplicates": len(batch.replaced)}
    for customer in batch.customers:
        if customer.number in stored.refused:
            continue
        if customer.phone in batch.repeated:
            result = "duplicates"
        elif customer.phone in stored.created:
            result = "created"
        else:
            result = "updated" if customer.number in stored.updated else "unchanged"
        results[result] += 1
    return {**results, "rejected": rejected}
