"""Segments over HTTP."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from campaign_api.dependencies import ConnectionDep, TurnsDep
from campaign_api.segments.queries import (
    change_segment,
    create_segment,
    delete_segment,
    get_segment,
    list_segments,
)
from campaign_api.segments.schemas import NewSegment, Segment, SegmentChange
from campaign_api.turns import Subject
from campaign_api.web.error_responses import BODY_ERRORS, error_responses
from campaign_api.web.errors import ErrorCode
from campaign_api.web.field_types import SegmentId
from campaign_api.web.json_bodies import JsonRoute
from campaign_api.web.paging import KeyPagination, PageQuery, next_cursor

router = APIRouter(prefix="/segments", tags=["segments"], route_class=JsonRoute)


class SegmentList(BaseModel):
    """A page of segments, oldest first."""

    segments: Annotated[list[Segment], Field(description="The segments")]
    pagination: KeyPagination = Field(description="The position of this page in the list")


@router.post(
    "",
    status_code=201,
    operation_id="create_segment",
    summary="Create a segment",
    response_description="The new segment",
    responses=error_responses(ErrorCode.INVALID_REQUEST, *BODY_ERRORS),
)
async def create(segment: NewSegment, turns: TurnsDep) -> Segment:
    """Save a filter under a name. No two segments may have the same name."""
    async with turns.changing(Subject("A segment with this name", key=segment.name)) as connection:
        return await create_segment(connection, segment)


@router.get(
    "",
    operation_id="list_segments",
    summary="List segments",
    response_description="A page of segments",
    responses=error_responses(ErrorCode.INVALID_REQUEST),
)
async def read_page(page: PageQuery, connection: ConnectionDep) -> SegmentList:
    """List segments, oldest first. Read the next page with `cursor`."""
    rows = await list_segments(connection, after=page.after() or 0, limit=page.size + 1)
    kept, cursor = next_cursor([segment.id for segment in rows], page.size)
    return SegmentList(segments=rows[:kept], pagination=KeyPagination(page_size=page.size, next_cursor=cursor))


@router.get(
    "/{segment_id}",
    operation_id="get_segment",
    summary="Get a segment",
    response_description="The segment",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.SEGMENT_NOT_FOUND),
)
async def read(segment_id: SegmentId, connection: ConnectionDep) -> Segment:
    """Get a segment."""
    return await get_segment(connection, segment_id)


@router.patch(
    "/{segment_id}",
    operation_id="update_segment",
    summary="Update a segment",
    response_description="The segment after the change",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.SEGMENT_NOT_FOUND, *BODY_ERRORS),
)
async def change(segment_id: SegmentId, change: SegmentChange, turns: TurnsDep) -> Segment:
    """Change a segment. Absent fields stay as they are. Campaigns that were sent keep their recipients."""
    async with turns.changing(Subject(f"Segment {segment_id}")) as connection:
        return await change_segment(connection, segment_id, change)


@router.delete(
    "/{segment_id}",
    status_code=204,
    operation_id="delete_segment",
    summary="Delete a segment",
    response_description="The segment is deleted",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.SEGMENT_NOT_FOUND),
)
async def delete(segment_id: SegmentId, turns: TurnsDep) -> None:
    """Delete a segment. A scheduled campaign to it will fail when its time comes."""
    async with turns.changing(Subject(f"Segment {segment_id}")) as connection:
        await delete_segment(connection, segment_id)
