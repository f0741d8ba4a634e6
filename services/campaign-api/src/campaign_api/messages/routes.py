"""The messages of a campaign over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from campaign_api.campaigns.queries import get_campaign
from campaign_api.dependencies import ConnectionDep
from campaign_api.messages.queries import Message, list_messages, unknown_statuses
from campaign_api.web.error_responses import error_responses
from campaign_api.web.errors import ErrorCode
from campaign_api.web.field_types import CampaignId, EmptyAsNone
from campaign_api.web.json_bodies import JsonRoute
from campaign_api.web.paging import KeyPagination, PageQuery, next_cursor
from leopard.domain.statuses import MessageStatus

router = APIRouter(prefix="/campaigns/{campaign_id}", tags=["sending"], route_class=JsonRoute)


class MessageList(BaseModel):
    """A page of a campaign's messages."""

    messages: list[Message] = Field(description="The messages")
    pagination: KeyPagination = Field(description="The position of this page in the list")
    warnings: list[str] = Field(
        default=[],
        description="Values that this version does not know; absent if there are none",
        examples=[["This version does not know the status queued"]],
        exclude_if=lambda warnings: not warnings,
    )


@router.get(
    "/messages",
    operation_id="list_messages",
    summary="List the messages of a campaign",
    response_description="A page of messages",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.CAMPAIGN_NOT_FOUND),
)
async def read_messages(
    campaign_id: CampaignId,
    page: PageQuery,
    connection: ConnectionDep,
    status: Annotated[MessageStatus | None, EmptyAsNone, Query(description="Only messages with this status")] = None,
) -> MessageList:
    """List the messages of a campaign by customer id. Read the next page with `cursor`."""
    campaign = await get_campaign(connection, campaign_id)
    rows = await list_messages(connection, campaign, status, after=page.after() or 0, limit=page.size + 1)
    kept, cursor = next_cursor([message.customer_id for message in rows], page.size)
    return MessageList(
        messages=rows[:kept],
        pagination=KeyPagination(page_size=page.size, next_cursor=cursor),
        warnings=unknown_statuses(rows[:kept]),
    )
