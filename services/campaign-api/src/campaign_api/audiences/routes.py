"""Audiences over HTTP."""

from fastapi import APIRouter
from pydantic import Field

from campaign_api.audiences.estimate import Estimate, estimate_audience
from campaign_api.audiences.problems import answering_audience_problems
from campaign_api.dependencies import ConnectionDep
from campaign_api.web.error_responses import BODY_ERRORS, error_responses
from campaign_api.web.errors import ErrorCode
from campaign_api.web.field_types import RequestModel
from campaign_api.web.json_bodies import JsonRoute
from leopard.audiences.model import Audience

router = APIRouter(prefix="/audiences", tags=["audiences"], route_class=JsonRoute)


class EstimateRequest(RequestModel):
    """The audience to estimate."""

    audience: Audience = Field(
        description="The customers to select", examples=[{"filter": {"location": "Nairobi"}, "limit": 1000}]
    )


@router.post(
    "/estimate",
    operation_id="estimate_audience",
    summary="Estimate an audience",
    response_description="The audience in numbers",
    responses=error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.SEGMENT_NOT_FOUND, *BODY_ERRORS),
)
async def estimate(request: EstimateRequest, connection: ConnectionDep) -> Estimate:
    """Count the customers that a send to this audience would select now. Nothing is sent or stored."""
    with answering_audience_problems():
        return await estimate_audience(connection, request.audience)
