"""The SQL of segments: create, read, change, delete."""

from typing import Any, Final

from psycopg import errors
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from campaign_api.audiences.problems import answering_audience_problems
from campaign_api.segments.schemas import NewSegment, Segment, SegmentChange
from campaign_api.web.errors import ApiError, ErrorCode, segment_not_found
from leopard.audiences.model import AudienceFilter
from leopard.audiences.selection import compiled_filter
from leopard.db.pool import Connection

_COLUMNS: Final = "id, name, filter, created_at, updated_at"

_CREATE: Final = f"INSERT INTO segments (name, filter) VALUES (%(name)s, %(filter)s) RETURNING {_COLUMNS}"

_GET: Final = f"SELECT {_COLUMNS} FROM segments WHERE id = %(segment_id)s"

_LIST: Final = f"SELECT {_COLUMNS} FROM segments WHERE id > %(after)s ORDER BY id LIMIT %(limit)s"

_CHANGE: Final = f"""
UPDATE segments
   SET name = COALESCE(%(name)s, name), filter = COALESCE(%(filter)s, filter), updated_at = now()
 WHERE id = %(segment_id)s
RETURNING {_COLUMNS}
"""

_DELETE: Final = "DELETE FROM segments WHERE id = %(segment_id)s"


async def create_segment(connection: Connection, segment: NewSegment) -> Segment:
    """Store a new segment.

    Raises:
        ApiError: INVALID_REQUEST where another segment has that name, or the filter does not fit the known fields.
    """
    await _check(connection, segment.filter)
    created = await _one(connection, _CREATE, {"name": segment.name, "filter": Jsonb(segment.filter.root)})
    assert created is not None  # noqa: S101 an insert returns its row
    return created


async def get_segment(connection: Connection, segment_id: int) -> Segment:
    """One segment.

    Raises:
        ApiError: SEGMENT_NOT_FOUND.
    """
    return _found(await _one(connection, _GET, {"segment_id": segment_id}), segment_id)


async def list_segments(connection: Connection, *, after: int, limit: int) -> list[Segment]:
    """Segments with ids above `after`, oldest first."""
    async with connection.cursor(row_factory=class_row(Segment)) as cursor:
        await cursor.execute(_LIST, {"after": after, "limit": limit})
        return await cursor.fetchall()


async def change_segment(connection: Connection, segment_id: int, change: SegmentChange) -> Segment:
    """Change a segment. Sends that have begun keep their recipients.

    Raises:
        ApiError: SEGMENT_NOT_FOUND; INVALID_REQUEST where another segment has that name, or the filter does not fit the
            known fields.
    """
    if change.filter is not None:
        await _check(connection, change.filter)
    parameters = {
        "segment_id": segment_id,
        "name": change.name,
        "filter": None if change.filter is None else Jsonb(change.filter.root),
    }
    return _found(await _one(connection, _CHANGE, parameters), segment_id)


async def delete_segment(connection: Connection, segment_id: int) -> None:
    """Delete a segment. A later send to it fails.

    Raises:
        ApiError: SEGMENT_NOT_FOUND.
    """
    deleted = await connection.execute(_DELETE, {"segment_id": segment_id})
    if deleted.rowcount == 0:
        raise segment_not_found(segment_id)


async def _check(connection: Connection, filter_: AudienceFilter) -> None:
    with answering_audience_problems(""):
        await compiled_filter(connection, filter_.root, "filter")


async def _one(connection: Connection, statement: str, parameters: dict[str, Any]) -> Segment | None:
    try:
        async with connection.cursor(row_factory=class_row(Segment)) as cursor:
            await cursor.execute(statement, parameters)
            return await cursor.fetchone()
    except errors.UniqueViolation:
        message = "is used by another segment"
        details = [{"field": "name", "message": message}]
        raise ApiError(ErrorCode.INVALID_REQUEST, f"name: {message}", details) from None


def _found(segment: Segment | None, segment_id: int) -> Segment:
    if segment is None:
        raise segment_not_found(segment_id)
    return segment
