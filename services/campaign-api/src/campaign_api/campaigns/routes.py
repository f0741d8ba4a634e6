"""Campaigns over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from campaign_api.campaigns.lists import count_campaigns, list_campaigns
from campaign_api.campaigns.queries import change_campaign, create_campaign, delete_campaign
from campaign_api.campaigns.requests import CampaignChange, NewCampaign
from campaign_api.campaigns.schemas import Campaign
from campaign_api.campaigns.stats import CampaignWithStats, get_campaign_with_stats
from campaign_api.dependencies import ConnectionDep, ResourcesDep, TurnsDep
from campaign_api.idempotency import IdempotencyKey, run_once
from campaign_api.turns import Subject
from campaign_api.web.error_responses import BODY_ERRORS, error_responses
from campaign_api.web.errors import ErrorCode
from campaign_api.web.field_types import MAX_BIGINT, CampaignId, EmptyAsNone
from campaign_api.web.json_bodies import JsonRoute
from campaign_api.web.paging import KeyPagination, NumberedPagination, PageQuery, next_cursor, page_links
from leopard.domain.statuses import CampaignStatus, Channel

router = APIRouter(prefix="/campaigns", tags=["campaigns"], route_class=JsonRoute)


class CampaignList(BaseModel):
    """A page of campaigns, newest first."""

    campaigns: Annotated[list[Campaign], Field(description="The campaigns")]
    pagination: NumberedPagination | KeyPagination = Field(description="The position of this page in the list")


@router.post(
    "",
    status_code=201,
    operation_id="create_campaign",
    summary="Create a campaign",
    response_description="The new campaign",
    responses=error_responses(
        ErrorCode.INVALID_REQUEST,
        ErrorCode.INVALID_TEMPLATE,
        ErrorCode.SEGMENT_NOT_FOUND,
        ErrorCode.IDEMPOTENCY_CONFLICT,
        *BODY_ERRORS,
    ),
)
async def create(campaign: NewCampaign, resources: ResourcesDep, idempotency_key: IdempotencyKey = None) -> Campaign:
    """Create a campaign. It is `scheduled` if `scheduled_at` is in the future, otherwise a `draft`."""
    endpoint = "POST /campaigns"
    subjects = [Subject("The list of campaigns", at_once=max(1, resources.settings.database_pool_size // 4))]
    if idempotency_key is not None:
        subjects.insert(0, Subject("This Idempotency-Key", key=f"{endpoint} {idempotency_key}"))
    async with resources.turns.changing(*subjects) as connection:
        answer, _ = await run_once(
            connection,
            idempotency_key,
            endpoint,
            campaign,
            Campaign,
            lambda: create_campaign(connection, campaign),
        )
    return answer


@router.get(
    "",
    operation_id="list_campaigns",
    summary="List campaigns",
    response_description="A page of campaigns",
    responses={
        200: {
            "headers": {
                "Link": {
                    "description": "URLs of the first, previous and next page, if you read with `page`",
                    "schema": {"type": "string"},
                }
            }
        },
        **error_responses(ErrorCode.INVALID_REQUEST),
    },
)
async def read_page(
    page: PageQuery,
    connection: ConnectionDep,
    request: Request,
    response: Response,
    channel: Annotated[Channel | None, EmptyAsNone, Query(description="Only campaigns of this channel")] = None,
    status: Annotated[CampaignStatus | None, EmptyAsNone, Query(description="Only campaigns with this status")] = None,
) -> CampaignList:
    """List campaigns, newest first. Read them with `page`, or with `cursor`.

    With `page`, the response has totals. Follow the URLs of the `Link` header: they contain `as_of`, so that campaigns
    created meanwhile do not shift the pages. With `cursor`, the response has `next_cursor` and no totals.
    """
    if page.cursor is not None:
        after = page.after()
        up_to = MAX_BIGINT if after is None else after - 1
        rows = await list_campaigns(connection, channel, status, up_to=up_to, limit=page.size + 1)
        kept, cursor = next_cursor([campaign.id for campaign in rows], page.size)
        return CampaignList(campaigns=rows[:kept], pagination=KeyPagination(page_size=page.size, next_cursor=cursor))
    total, newest = await count_campaigns(connection, channel, status, page.as_of)
    as_of = newest if page.as_of is None else page.as_of
    rows = await list_campaigns(connection, channel, status, up_to=as_of, limit=page.size, offset=page.offset)
    pagination = page.numbered(total)
    response.headers["Link"] = page_links(request.url, pagination, as_of)
    return CampaignList(campaigns=rows, pagination=pagination)


@router.get(
    "/{campaign_id}",
    operation_id="get_campaign",
    summary="Get a campaign",
    response_description="The campaign",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.CAMPAIGN_NOT_FOUND),
)
async def read(campaign_id: CampaignId, connection: ConnectionDep) -> CampaignWithStats:
    """Get a campaign and the number of its messages by status."""
    return await get_campaign_with_stats(connection, campaign_id)


@router.patch(
    "/{campaign_id}",
    operation_id="update_campaign",
    summary="Update a campaign",
    response_description="The campaign after the change",
    responses=error_responses(
        ErrorCode.INVALID_REQUEST,
        ErrorCode.INVALID_TEMPLATE,
        ErrorCode.INVALID_STATUS,
        ErrorCode.CAMPAIGN_NOT_FOUND,
        ErrorCode.SEGMENT_NOT_FOUND,
        *BODY_ERRORS,
    ),
)
async def change(campaign_id: CampaignId, change: CampaignChange, turns: TurnsDep) -> Campaign:
    """Change a campaign that is `draft` or `scheduled`. Absent fields stay as they are."""
    async with turns.changing(Subject(f"Campaign {campaign_id}")) as connection:
        return await change_campaign(connection, campaign_id, change)


@router.delete(
    "/{campaign_id}",
    status_code=204,
    operation_id="delete_campaign",
    summary="Delete a campaign",
    response_description="The campaign is deleted",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_STATUS, ErrorCode.CAMPAIGN_NOT_FOUND),
)
async def delete(campaign_id: CampaignId, turns: TurnsDep) -> None:
    """Delete a campaign that is `draft` or `scheduled`."""
    async with turns.changing(Subject(f"Campaign {campaign_id}")) as connection:
        await delete_campaign(connection, campaign_id)
