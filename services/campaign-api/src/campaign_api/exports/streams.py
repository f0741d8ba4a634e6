"""A query as a file: read through a cursor, so that memory stays flat and all rows are of one moment."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

from psycopg import AsyncServerCursor
from psycopg.rows import TupleRow
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from campaign_api.admission import Admission
from campaign_api.exports.formats import MEDIA_TYPES, ExportFormat, Layout
from campaign_api.metrics import EXPORT_ROWS
from leopard.db.pool import Connection, Pool

_ROWS: Final = 2000

LayoutOf = Callable[[Connection], Awaitable[Layout]]


class ExportResponse(StreamingResponse):
    """A streamed file. Returns its connection at the end, however it ends."""

    def __init__(self, content: AsyncIterator[str], resources: AsyncExitStack, file: str, media_type: str) -> None:
        super().__init__(
            content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{file}"'}
        )
        self._resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        async with self._resources:
            await super().__call__(scope, receive, send)


async def export_response(
    pool: Pool,
    admission: Admission,
    query: str,
    parameters: Mapping[str, Any],
    layout_of: LayoutOf,
    *,
    name: str,
    file_format: ExportFormat,
) -> ExportResponse:
    """Begin the query, and stream its rows.

    Raises:
        ApiError: UNAVAILABLE where too many exports run.
        psycopg.Error: PostgreSQL refuses the query.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(admission.admitted())
        connection = await stack.enter_async_context(pool.connection())
        await stack.enter_async_context(connection.transaction())
        cursor = connection.cursor(name="export")
        await stack.enter_async_context(cursor)
        await cursor.execute(query, parameters)
        layout = await layout_of(connection)
        first = await cursor.fetchmany(_ROWS)
        return ExportResponse(
            _text(cursor, layout, first, name), stack.pop_all(), f"{name}.{file_format}", MEDIA_TYPES[file_format]
        )


async def _text(
    cursor: "AsyncServerCursor[TupleRow]", layout: Layout, rows: list[TupleRow], name: str
) -> AsyncIterator[str]:
    yield layout.header
    while rows:
        yield layout.lines(rows)
        EXPORT_ROWS.labels(name.partition("-")[0]).inc(len(rows))
        rows = await cursor.fetchmany(_ROWS)
