"""The messages of a campaign over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from campaign_api.campaigns.queries import get_campaign
from campaign_api.dependencies import ConnectionDep
from campaign_api.messages.queries import Message, list_messages, unknown_statuses
from campaign_api.web.errors import ErrorCode, answers
from campaign_api.web.field_types import EmptyAsNone, RecordId
from campaign_api.web.json_bodies import JsonRoute
from campaign_api.web.paging import KeyPagination, PageQuery, next_cursor
from leopard.domain.statuses import MessageStatus

router = APIRouter(prefix="/campaigns/{campaign_id}", tags=["sends"], route_class=JsonRoute)


class MessageList(BaseModel):
    """A page of a campaign's messages."""

    messages: list[Message]
    pagination: KeyPagination
    warnings: list[str] = Field(default=[], exclude_if=lambda warnings: not warnings)
    """What this version does not know about them; absent where there is nothing."""


@router.get("/messages", responses=answers(ErrorCode.INVALID_REQUEST, ErrorCode.CAMPAIGN_NOT_FOUND))
async def read_messages(
    campaign_id: RecordId,
    page: PageQuery,
    connection: ConnectionDep,
    status: Annotated[MessageStatus | None, EmptyAsNone, Query()] = None,
) -> MessageList:
    """The campaign's messages, in the order of their customers' ids."""
    campaign = await get_campaign(connection, campaign_id)
    rows = await list_messages(connection, campaign.id, status, after=page.after() or 0, limit=page.size + 1)
    kept, cursor = next_cursor([message.customer_id for message in rows], page.size)
    return MessageList(
        messages=rows[:kept],
        pagination=KeyPagination(page_size=page.size, next_cursor=cursor),
        warnings=unknown_statuses(rows[:kept]),
    )
