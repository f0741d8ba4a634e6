"""The messages of a campaign over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from campaign_api.campaigns.queries import get_campaign
from campaign_api.dependencies import ConnectionDep
from campaign_api.messages.failures import MOST_REASONS, Failure, failures_of
from campaign_api.messages.queries import Message, get_message, list_messages, unknown_statuses
from campaign_api.web.error_responses import error_responses
from campaign_api.web.errors import ErrorCode
from campaign_api.web.field_types import CampaignId, EmptyAsNone, MessageId
from campaign_api.web.json_bodies import JsonRoute
from campaign_api.web.paging import KeyPagination, PageQuery, next_cursor
from leopard.domain.statuses import MessageStatus

router = APIRouter(tags=["sending"], route_class=JsonRoute)


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


class FailureList(BaseModel):
    """Why messages of a campaign failed."""

    failures: list[Failure] = Field(description=f"The {MOST_REASONS} most frequent reasons, the most frequent first")


@router.get(
    "/campaigns/{campaign_id}/messages",
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


@router.get(
    "/messages/{message_id}",
    operation_id="get_message",
    summary="Get a message",
    response_description="The message",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.MESSAGE_NOT_FOUND),
)
async def read_message(message_id: MessageId, connection: ConnectionDep) -> Message:
    """Get one message: its status, its text, and the error of its last failed attempt."""
    return await get_message(connection, message_id)


@router.get(
    "/campaigns/{campaign_id}/failures",
    operation_id="list_failures",
    summary="List the reasons of failures",
    response_description="The reasons",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.CAMPAIGN_NOT_FOUND),
)
async def read_failures(campaign_id: CampaignId, connection: ConnectionDep) -> FailureList:
    """Count the failed messages of a campaign by the reason of their last attempt, with examples."""
    campaign = await get_campaign(connection, campaign_id)
    return FailureList(failures=await failures_of(connection, campaign.id))
