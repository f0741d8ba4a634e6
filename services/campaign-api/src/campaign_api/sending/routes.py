"""Routes that send, pause, resume and cancel a campaign."""

from typing import Annotated, Final

from fastapi import APIRouter, Body
from fastapi.openapi.models import Example

from campaign_api.campaigns.schemas import Campaign
from campaign_api.dependencies import ResourcesDep, TurnsDep
from campaign_api.idempotency import IdempotencyKey, run_once
from campaign_api.metrics import SEND_REQUESTS
from campaign_api.sending.controls import cancel_campaign, pause_campaign, resume_campaign
from campaign_api.sending.send import SendAnswer, SendRequest, send_campaign
from campaign_api.turns import Subject
from campaign_api.web.error_responses import BODY_ERRORS, error_responses
from campaign_api.web.errors import ErrorCode
from campaign_api.web.field_types import CampaignId
from campaign_api.web.json_bodies import JsonRoute

router = APIRouter(prefix="/campaigns/{campaign_id}", tags=["sending"], route_class=JsonRoute)

_RECIPIENTS: Final[dict[str, Example]] = {
    "named customers": {"value": {"customer_ids": [1, 2, 3]}},
    "all customers": {"value": {"audience": {"all": True}}},
    "some customers": {"value": {"audience": {"filter": {"location": "Nairobi"}}}},
}


@router.post(
    "/send",
    response_model_exclude_none=True,
    operation_id="send_campaign",
    summary="Send a campaign",
    response_description="The send is accepted",
    responses=error_responses(
        ErrorCode.INVALID_REQUEST,
        ErrorCode.INVALID_STATUS,
        ErrorCode.NO_VALID_CUSTOMERS,
        ErrorCode.CAMPAIGN_NOT_FOUND,
        ErrorCode.SEGMENT_NOT_FOUND,
        ErrorCode.IDEMPOTENCY_CONFLICT,
        *BODY_ERRORS,
    ),
)
async def send(
    campaign_id: CampaignId,
    request: Annotated[SendRequest, Body(openapi_examples=_RECIPIENTS)],
    resources: ResourcesDep,
    idempotency_key: IdempotencyKey = None,
) -> SendAnswer:
    """Send a campaign to named customers or to an audience. The campaign must be `draft` or `scheduled`.

    The response does not wait for any message. To follow the campaign, get it and read its `stats`.
    """
    async with resources.turns.changing(_subject(campaign_id)) as connection:
        answer, acted = await run_once(
            connection,
            idempotency_key,
            f"POST /campaigns/{campaign_id}/send",
            request,
            SendAnswer,
            lambda: send_campaign(connection, campaign_id, request, chunk_size=resources.settings.chunk_size),
        )
    if acted:
        resources.nudges.nudge(campaign_id)
        SEND_REQUESTS.inc()
    return answer


_CONTROL = error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_STATUS, ErrorCode.CAMPAIGN_NOT_FOUND)


@router.post(
    "/pause",
    operation_id="pause_campaign",
    summary="Pause a campaign",
    response_description="The paused campaign",
    responses=_CONTROL,
)
async def pause(campaign_id: CampaignId, turns: TurnsDep) -> Campaign:
    """Stop sending until the campaign is resumed. Messages already handed to the provider are not recalled."""
    async with turns.changing(_subject(campaign_id)) as connection:
        return await pause_campaign(connection, campaign_id)


@router.post(
    "/resume",
    operation_id="resume_campaign",
    summary="Resume a campaign",
    response_description="The campaign, which is `sending` again",
    responses=_CONTROL,
)
async def resume(campaign_id: CampaignId, resources: ResourcesDep) -> Campaign:
    """Continue to send a paused campaign."""
    async with resources.turns.changing(_subject(campaign_id)) as connection:
        campaign = await resume_campaign(connection, campaign_id)
    resources.nudges.nudge(campaign_id)
    return campaign


@router.post(
    "/cancel",
    operation_id="cancel_campaign",
    summary="Cancel a campaign",
    response_description="The cancelled campaign",
    responses=_CONTROL,
)
async def cancel(campaign_id: CampaignId, resources: ResourcesDep) -> Campaign:
    """Stop sending for good. Messages that were not sent become `cancelled`."""
    async with resources.turns.changing(_subject(campaign_id)) as connection:
        campaign = await cancel_campaign(connection, campaign_id)
    resources.nudges.nudge(campaign_id)
    return campaign


def _subject(campaign_id: int) -> Subject:
    return Subject(f"Campaign {campaign_id}")
