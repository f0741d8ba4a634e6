"""Sending over HTTP: the send, and pausing, resuming and cancelling what it began."""

from fastapi import APIRouter

from campaign_api.campaigns.schemas import Campaign
from campaign_api.dependencies import ResourcesDep, TurnsDep
from campaign_api.idempotency import IdempotencyKey, run_once
from campaign_api.metrics import SEND_REQUESTS
from campaign_api.sending.controls import cancel_campaign, pause_campaign, resume_campaign
from campaign_api.sending.send import SendAnswer, SendRequest, send_campaign
from campaign_api.turns import Subject
from campaign_api.web.errors import ErrorCode, answers
from campaign_api.web.field_types import RecordId
from campaign_api.web.json_bodies import JsonRoute

router = APIRouter(prefix="/campaigns/{campaign_id}", tags=["sends"], route_class=JsonRoute)


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
    campaign_id: RecordId, request: SendRequest, resources: ResourcesDep, idempotency_key: IdempotencyKey = None
) -> SendAnswer:
    """Send a campaign to named customers or to an audience; answers before any message is sent."""
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


_CONTROL = answers(ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_STATUS, ErrorCode.CAMPAIGN_NOT_FOUND)


@router.post("/pause", responses=_CONTROL)
async def pause(campaign_id: RecordId, turns: TurnsDep) -> Campaign:
    """Stop sending for the time being; what a provider has been asked already is not called back."""
    async with turns.changing(_subject(campaign_id)) as connection:
        return await pause_campaign(connection, campaign_id)


@router.post("/resume", responses=_CONTROL)
async def resume(campaign_id: RecordId, resources: ResourcesDep) -> Campaign:
    """Go on sending a paused campaign."""
    async with resources.turns.changing(_subject(campaign_id)) as connection:
        campaign = await resume_campaign(connection, campaign_id)
    resources.nudges.nudge(campaign_id)
    return campaign


@router.post("/cancel", responses=_CONTROL)
async def cancel(campaign_id: RecordId, resources: ResourcesDep) -> Campaign:
    """Stop sending for good; messages that were not sent end as `cancelled`."""
    async with resources.turns.changing(_subject(campaign_id)) as connection:
        campaign = await cancel_campaign(connection, campaign_id)
    resources.nudges.nudge(campaign_id)
    return campaign


def _subject(campaign_id: int) -> Subject:
    return Subject(f"Campaign {campaign_id}")
