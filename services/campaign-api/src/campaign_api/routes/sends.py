"""Sending over HTTP: the send itself, a preview, and the messages that came of it."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from campaign_api.campaigns import Campaign, check_template, get_campaign
from campaign_api.connections import ConnectionDep, ResourcesDep, TurnsDep
from campaign_api.controls import cancel_campaign, pause_campaign, resume_campaign
from campaign_api.customers import get_customer
from campaign_api.errors import ErrorCode, answers
from campaign_api.fields import MAX_TEMPLATE, Given, ListedId, RecordId, RequestModel
from campaign_api.idempotency import IdempotencyKey, once
from campaign_api.json_bodies import JsonRoute
from campaign_api.messages import Message, list_messages, unknown_statuses
from campaign_api.metrics import PREVIEWS, SEND_REQUESTS
from campaign_api.paging import KeyPagination, PageQuery, next_cursor
from campaign_api.sends import SendAnswer, SendRequest, send_campaign
from campaign_api.turns import Subject
from leopard.domain.blank_text import is_blank
from leopard.domain.statuses import MessageStatus
from leopard.domain.templates import parse_template

router = APIRouter(prefix="/campaigns/{campaign_id}", tags=["sends"], route_class=JsonRoute)


class PreviewRequest(RequestModel):
    """For whom to render, and perhaps another template than the campaign's own."""

    customer_id: ListedId = Field(examples=[1])
    override_template: str | None = Field(default=None, max_length=MAX_TEMPLATE, examples=["Hello {first_name}"])


class PreviewCustomer(BaseModel):
    """Whom a preview was rendered for."""

    id: int
    first_name: str | None


class Preview(BaseModel):
    """A message as a send would deliver it."""

    rendered_message: str
    used_template: str
    customer: PreviewCustomer
    warnings: list[str] = Field(default=[], exclude_if=lambda warnings: not warnings)
    """What is odd about the message, though it can be sent; absent where nothing is."""


class MessageList(BaseModel):
    """A page of a campaign's messages."""

    messages: list[Message]
    pagination: KeyPagination
    warnings: list[str] = Field(default=[], exclude_if=lambda warnings: not warnings)
    """What this version does not know about them; absent where there is nothing."""


@router.post(
    "/send",
    response_model_exclude_none=True,
    responses=answers(
        ErrorCode.INVALID_REQUEST,
        ErrorCode.INVALID_STATUS,
        ErrorCode.NO_VALID_CUSTOMERS,
        ErrorCode.CAMPAIGN_NOT_FOUND,
        ErrorCode.IDEMPOTENCY_CONFLICT,
        ErrorCode.PAYLOAD_TOO_LARGE,
    ),
)
async def send(
    campaign_id: RecordId, request: SendRequest, held: ResourcesDep, idempotency_key: IdempotencyKey = None
) -> SendAnswer:
    """Send a campaign to named customers or to an audience; answers before any message is sent."""
    async with held.turns.changing(_subject(campaign_id)) as connection:
        answer, acted = await once(
            connection,
            idempotency_key,
            f"POST /campaigns/{campaign_id}/send",
            request,
            SendAnswer,
            lambda: send_campaign(connection, campaign_id, request, chunk_size=held.settings.chunk_size),
        )
    if acted:
        held.nudges.nudge(campaign_id)
        SEND_REQUESTS.inc()
    return answer


_CONTROL = answers(ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_STATUS, ErrorCode.CAMPAIGN_NOT_FOUND)


@router.post("/pause", responses=_CONTROL)
async def pause(campaign_id: RecordId, turns: TurnsDep) -> Campaign:
    """Stop sending for the time being; what a provider has been asked already is not called back."""
    async with turns.changing(_subject(campaign_id)) as connection:
        return await pause_campaign(connection, campaign_id)


@router.post("/resume", responses=_CONTROL)
async def resume(campaign_id: RecordId, held: ResourcesDep) -> Campaign:
    """Go on sending a paused campaign."""
    async with held.turns.changing(_subject(campaign_id)) as connection:
        campaign = await resume_campaign(connection, campaign_id)
    held.nudges.nudge(campaign_id)
    return campaign


@router.post("/cancel", responses=_CONTROL)
async def cancel(campaign_id: RecordId, held: ResourcesDep) -> Campaign:
    """Stop sending for good; messages that were not sent end as `cancelled`."""
    async with held.turns.changing(_subject(campaign_id)) as connection:
        campaign = await cancel_campaign(connection, campaign_id)
    held.nudges.nudge(campaign_id)
    return campaign


@router.post(
    "/personalized-preview",
    responses=answers(
        ErrorCode.INVALID_REQUEST,
        ErrorCode.INVALID_TEMPLATE,
        ErrorCode.CAMPAIGN_NOT_FOUND,
        ErrorCode.CUSTOMER_NOT_FOUND,
    ),
)
async def preview(campaign_id: RecordId, request: PreviewRequest, connection: ConnectionDep) -> Preview:
    """Render a message for one customer, to the byte as a send would deliver it."""
    campaign = await get_campaign(connection, campaign_id)
    customer = await get_customer(connection, request.customer_id)
    template = request.override_template or campaign.base_template
    check_template(template)
    PREVIEWS.inc()
    rendered = parse_template(template).render(customer.model_dump())
    return Preview(
        rendered_message=rendered,
        used_template=template,
        customer=PreviewCustomer(id=customer.id, first_name=customer.first_name),
        warnings=["The message is blank: it holds no visible character"] if is_blank(rendered) else [],
    )


@router.get("/messages", responses=answers(ErrorCode.INVALID_REQUEST, ErrorCode.CAMPAIGN_NOT_FOUND))
async def read_messages(
    campaign_id: RecordId,
    page: PageQuery,
    connection: ConnectionDep,
    status: Annotated[MessageStatus | None, Given, Query()] = None,
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


def _subject(campaign_id: int) -> Subject:
    return Subject(f"Campaign {campaign_id}")
