"""Exports over HTTP."""

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from campaign_api.campaigns.queries import get_campaign
from campaign_api.customers.filters import FilterQuery, PhoneQuery, customer_condition
from campaign_api.dependencies import ResourcesDep
from campaign_api.exports.customers import customers_layout, customers_query
from campaign_api.exports.formats import ExportFormat, Layout
from campaign_api.exports.messages import MESSAGES, messages_layout
from campaign_api.exports.streams import ExportResponse, export_response
from campaign_api.web.error_responses import error_responses
from campaign_api.web.errors import ErrorCode
from campaign_api.web.field_types import CampaignId, EmptyAsNone
from leopard.db.pool import Connection
from leopard.domain.statuses import MessageStatus

router = APIRouter()

FormatQuery = Annotated[ExportFormat, Query(alias="format", description="Format of the file")]

_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file, as a stream",
        "content": {"text/csv": {"schema": {"type": "string"}}, "application/x-ndjson": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/customers/export",
    tags=["customers"],
    operation_id="export_customers",
    summary="Export customers",
    response_class=StreamingResponse,
    responses={**_FILE, **error_responses(ErrorCode.INVALID_REQUEST)},
)
async def export_customers(
    resources: ResourcesDep,
    file_format: FormatQuery = ExportFormat.CSV,
    phone: PhoneQuery = None,
    filter_: FilterQuery = None,
) -> ExportResponse:
    """Export customers as they are now. An import of the file changes nothing.

    In CSV, an apostrophe protects texts that a spreadsheet would take for a formula; an import removes it.
    """
    async with resources.pool.connection() as connection:
        condition = await customer_condition(connection, phone, filter_)
    return await export_response(
        resources.pool,
        resources.exports,
        customers_query(condition),
        condition.parameters,
        partial(customers_layout, file_format=file_format),
        name="customers",
        file_format=file_format,
    )


@router.get(
    "/campaigns/{campaign_id}/messages/export",
    tags=["sending"],
    operation_id="export_messages",
    summary="Export the messages of a campaign",
    response_class=StreamingResponse,
    responses={**_FILE, **error_responses(ErrorCode.INVALID_REQUEST, ErrorCode.CAMPAIGN_NOT_FOUND)},
)
async def export_messages(
    campaign_id: CampaignId,
    resources: ResourcesDep,
    file_format: FormatQuery = ExportFormat.CSV,
    status: Annotated[MessageStatus | None, EmptyAsNone, Query(description="Only messages with this status")] = None,
) -> ExportResponse:
    """Export the messages of a campaign with the phone numbers of their customers, as they are now."""
    async with resources.pool.connection() as connection:
        campaign = await get_campaign(connection, campaign_id)

    async def layout(_connection: Connection) -> Layout:
        return messages_layout(file_format)

    return await export_response(
        resources.pool,
        resources.exports,
        MESSAGES,
        {"campaign_id": campaign.id, "status": status},
        layout,
        name=f"messages-{campaign.id}",
        file_format=file_format,
    )
