"""Runs an import: reads the upload, makes batches in a thread, and stores one batch while it reads the next."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout
from starlette.requests import ClientDisconnect

from campaign_api.customers.attributes import FieldProblem
from campaign_api.customers.fields import types_of_new
from campaign_api.imports.batches import BATCH_LENGTH, BATCH_ROWS, Batches
from campaign_api.imports.orders import ImportOrder
from campaign_api.imports.progress import ImportEndedError, Progress
from campaign_api.imports.queries import end_import, report
from campaign_api.imports.records import BadRow, CsvRow, JsonRow, UnreadableFileError
from campaign_api.imports.uploads import UploadedFile
from campaign_api.metrics import IMPORTS, IMPORTS_RUNNING
from leopard.db.pool import DATABASE_UNAVAILABLE, Pool
from leopard.domain.imports import ImportStatus
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

REPORT_SECONDS: Final = 2.0
END_SECONDS: Final = 5.0


class ImportFailedError(Exception):
    """The import stopped before the end of the file; says why, and how many rows are stored."""

    def __init__(self, status: ImportStatus, problem: str, rows: int) -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem
        self.rows = rows


class RunningImport:
    """One import from the first byte to its end."""

    def __init__(self, pool: Pool, order: ImportOrder) -> None:
        self._pool = pool
        self._order = order
        self._file = UploadedFile(order.file)
        self._batches = Batches()
        self._rows: list[CsvRow | JsonRow | BadRow] = []
        self._rows_from = 0
        self._storing: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._bytes_read = 0
        self._progress = Progress(pool, order)

    async def run(self, parts: AsyncIterator[bytes]) -> None:
        """Import the whole upload.

        Raises:
            ImportFailedError: It stopped before the end of the file.
        """
        with IMPORTS_RUNNING.track_inprogress():
            reporting = asyncio.create_task(self._report())
            try:
                await self._import(parts)
                await self._end(ImportStatus.DONE, None)
            except UnreadableFileError as error:
                raise await self._failed(ImportStatus.FAILED, str(error)) from None
            except FieldProblem as error:
                raise await self._failed(ImportStatus.FAILED, f"Column {error}") from None
            except ImportEndedError:
                raise await self._failed(ImportStatus.CANCELLED, "It was cancelled") from None
            except ClientDisconnect:
                raise await self._failed(ImportStatus.INTERRUPTED, "The upload broke off") from None
            except TimeoutError:
                problem = f"The upload sent nothing for {self._order.idle_seconds:.0f} seconds"
                raise await self._failed(ImportStatus.INTERRUPTED, problem) from None
            except BaseException as error:
                log.warning("import interrupted", import_id=self._order.import_id, error=type(error).__name__)
                await asyncio.shield(self._failed(ImportStatus.INTERRUPTED, "The service ended it"))
                raise
            finally:
                reporting.cancel()
                if self._storing is not None:
                    self._storing.cancel()

    async def _import(self, parts: AsyncIterator[bytes]) -> None:
        while (part := await self._next(parts)) is not None:
            self._bytes_read += len(part)
            await self._take(self._file.feed(part))
        await self._take(self._file.finish())
        if self._rows or not self._progress.rows:
            await self._store_rows()
        await self._stored()

    async def _next(self, parts: AsyncIterator[bytes]) -> bytes | None:
        """The next part of the upload; None at its end."""
        part = asyncio.ensure_future(anext(parts, None))
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            done, _ = await asyncio.wait(
                {part, ended}, timeout=self._order.idle_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if ended in done:
                raise ImportEndedError
            if not done:
                raise TimeoutError
            return part.result()
        finally:
            for waiting in (part, ended):
                waiting.cancel()

    async def _take(self, source: Iterator[CsvRow | JsonRow | BadRow]) -> None:
        while not await asyncio.to_thread(self._fill, source):
            await self._store_rows()

    def _fill(self, source: Iterator[CsvRow | JsonRow | BadRow]) -> bool:
        """Collect rows in a thread; False where a batch is full, True where the source has no more."""
        rows = self._rows
        for row in source:
            rows.append(row)
            if len(rows) >= BATCH_ROWS or self._file.characters - self._rows_from > BATCH_LENGTH:
                return False
        return True

    async def _store_rows(self) -> None:
        """Make a batch of the collected rows, and begin to store it once the one before is stored."""
        rows, self._rows = self._rows, []
        self._rows_from = self._file.characters
        reader = self._file.reader
        assert reader is not None  # noqa: S101 a row is read only after the header
        readable = [row for row in rows if not isinstance(row, BadRow)]
        new = await asyncio.to_thread(reader.new_types, readable)
        if new:
            chosen = {name: self._order.types.get(name, kind) for name, kind in new.items()}
            most, dry_run = self._order.file.limits.known, self._order.dry_run
            async with self._pool.connection() as connection:
                reader.types |= await types_of_new(connection, chosen, most=most, dry_run=dry_run)
        batch = await asyncio.to_thread(self._batches.batch, rows, reader)
        await self._stored()
        self._storing = asyncio.create_task(self._progress.add(batch, self._file, self._bytes_read))

    async def _stored(self) -> None:
        if self._storing is not None:
            await self._storing
            self._storing = None

    async def _report(self) -> None:
        """Say every few seconds that the import is alive, and notice that a client has cancelled it."""
        while not self._ended.is_set():
            try:
                async with self._pool.connection() as connection:
                    if not await report(connection, self._order.import_id, bytes_read=self._bytes_read):
                        self._ended.set()
            except (psycopg.Error, PoolTimeout) as error:
                # the dispatcher gives an import up after a minute without a report
                log.warning("import not reported", import_id=self._order.import_id, error=type(error).__name__)
            await asyncio.sleep(REPORT_SECONDS)

    async def _failed(self, status: ImportStatus, problem: str) -> ImportFailedError:
        if self._storing is not None:
            # what was read is kept, unless that is why it fails
            try:
                await self._storing
            except Exception as error:  # noqa: BLE001 the import fails for another reason, or for this one
                log.warning("last batch not stored", import_id=self._order.import_id, error=type(error).__name__)
        await self._end(status, problem)
        return ImportFailedError(status, problem, self._progress.rows)

    async def _end(self, status: ImportStatus, problem: str | None) -> None:
        """Store how the import ended. Where the database is unavailable, the dispatcher does it later."""
        import_id = self._order.import_id
        try:
            async with asyncio.timeout(END_SECONDS), self._pool.connection() as connection:
                await end_import(connection, import_id, status, problem=problem, bytes_read=self._bytes_read)
        except (*DATABASE_UNAVAILABLE, TimeoutError) as error:
            log.warning("end of an import not stored", import_id=import_id, error=type(error).__name__)
        IMPORTS.labels(status).inc()
        log.info("import ended", import_id=import_id, status=status, rows=self._progress.rows)
