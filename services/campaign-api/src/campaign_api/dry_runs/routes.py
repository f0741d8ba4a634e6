"""Dry runs over HTTP."""

import asyncio
from contextlib import AsyncExitStack
from typing import Annotated, Final

from fastapi import APIRouter, Body, Response
from fastapi.openapi.models import Example

from campaign_api.audiences.problems import answering_audience_problems
from campaign_api.campaigns.queries import get_campaign
from campaign_api.campaigns.stored_audiences import known_audience
from campaign_api.dependencies import ConnectionDep, ResourcesDep, TurnsDep
from campaign_api.dry_runs.plans import message_plan
from campaign_api.dry_runs.queries import begin_dry_run, cancel_dry_run, get_dry_run
from campaign_api.dry_runs.recipients import select_recipients
from campaign_api.dry_runs.running import DryRunOrder, RunningDryRun
from campaign_api.dry_runs.schemas import DryRun, DryRunRequest
from campaign_api.settings import ApiSettings
from campaign_api.turns import Subject
from campaign_api.web.error_responses import BODY_ERRORS, error_responses
from campaign_api.web.errors import ApiError, ErrorCode
from campaign_api.web.field_types import CampaignId, DryRunId
from campaign_api.web.json_bodies import JsonRoute
from leopard.db.pool import Connection
from leopard.domain.dry_runs import DryRunStatus

router = APIRouter(tags=["dry runs"], route_class=JsonRoute)

ANSWER_SECONDS: Final = 3.0
"""A dry run that takes longer is answered with its id."""

_REQUESTS: Final[dict[str, Example]] = {
    "the campaign's recipients": {"value": {}},
    "all customers": {"value": {"audience": {"all": True}}},
    "with prices": {
        "value": {
            "audience": {"all": True},
            "prices": {"currency": "KES", "prefixes": {"+254": "0.80"}, "default": "6.50"},
        }
    },
}


@router.post(
    "/campaigns/{campaign_id}/dry-run",
    operation_id="dry_run_campaign",
    summary="Render a whole campaign without sending it",
    response_description="The dry run with its report, or why it has none",
    responses={
        202: {"model": DryRun, "description": "The dry run goes on; get it until its status is not `running`"},
        **error_responses(
            ErrorCode.INVALID_REQUEST,
            ErrorCode.INVALID_TEMPLATE,
            ErrorCode.CAMPAIGN_NOT_FOUND,
            ErrorCode.SEGMENT_NOT_FOUND,
            *BODY_ERRORS,
        ),
    },
)
async def create(
    campaign_id: CampaignId,
    request: Annotated[DryRunRequest, Body(openapi_examples=_REQUESTS)],
    response: Response,
    resources: ResourcesDep,
) -> DryRun:
    """Render the message of every recipient, exactly as a send would, and count segments, cost, failures and more.

    Nothing is sent. A dry run that takes longer than a few seconds is answered with status 202, and goes on.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(resources.dry_runs.admission.admitted())
        async with resources.pool.connection() as connection:
            order = await _begin(connection, campaign_id, request, resources.settings)
        running = RunningDryRun(resources.pool, order)
        task = resources.dry_runs.start(running.run(), stack.pop_all(), f"dry run {order.dry_run_id}")
    # the dry run goes on where the client does not wait
    await asyncio.wait({task}, timeout=ANSWER_SECONDS)
    response.headers["Location"] = f"/dry-runs/{order.dry_run_id}"
    async with resources.pool.connection() as connection:
        found = await get_dry_run(connection, order.dry_run_id)
    if found.status is DryRunStatus.RUNNING:
        response.status_code = 202
    return found


@router.get(
    "/dry-runs/{dry_run_id}",
    operation_id="get_dry_run",
    summary="Get a dry run",
    response_description="The dry run",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.DRY_RUN_NOT_FOUND),
)
async def read(dry_run_id: DryRunId, connection: ConnectionDep) -> DryRun:
    """Get a dry run: how far it is, and its report once it is done."""
    return await get_dry_run(connection, dry_run_id)


@router.post(
    "/dry-runs/{dry_run_id}/cancel",
    operation_id="cancel_dry_run",
    summary="Cancel a dry run",
    response_description="The dry run after the change",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_STATUS, ErrorCode.DRY_RUN_NOT_FOUND),
)
async def cancel(dry_run_id: DryRunId, turns: TurnsDep) -> DryRun:
    """Cancel a running dry run. It gets no report."""
    async with turns.changing(Subject(f"Dry run {dry_run_id}")) as connection:
        return await cancel_dry_run(connection, dry_run_id)


async def _begin(
    connection: Connection, campaign_id: int, request: DryRunRequest, settings: ApiSettings
) -> DryRunOrder:
    campaign = await get_campaign(connection, campaign_id)
    for problem in campaign.problems():
        # a template that does not parse fails its own messages, which the report counts
        if problem.code is not ErrorCode.INVALID_TEMPLATE:
            raise problem
    recipients = request.customer_ids or request.audience or known_audience(campaign.audience)
    if recipients is None:
        raise ApiError(ErrorCode.INVALID_REQUEST, "The campaign has no audience; give customer_ids or audience")
    with answering_audience_problems():
        await select_recipients(connection, recipients)
    plan = await message_plan(connection, campaign_id, settings, request.prices)
    return DryRunOrder(await begin_dry_run(connection, campaign_id), plan, recipients)
