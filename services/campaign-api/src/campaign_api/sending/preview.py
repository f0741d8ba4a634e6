"""The preview: a message for one customer, to the byte as a send would deliver it."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from campaign_api.campaigns.queries import get_campaign
from campaign_api.campaigns.templates import check_template
from campaign_api.customers.queries import get_customer
from campaign_api.dependencies import ConnectionDep
from campaign_api.metrics import PREVIEWS
from campaign_api.web.errors import ErrorCode, answers
from campaign_api.web.field_types import MAX_TEMPLATE, JsonId, RecordId, RequestModel
from campaign_api.web.json_bodies import JsonRoute
from leopard.domain.blank_text import is_blank
from leopard.templates.recipient_values import recipient_values
from leopard.templates.rendering import parse_template

router = APIRouter(prefix="/campaigns/{campaign_id}", tags=["sends"], route_class=JsonRoute)


class PreviewRequest(RequestModel):
    """For whom to render, and perhaps another template than the campaign's own."""

    customer_id: JsonId = Field(examples=[1])
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
    rendered = parse_template(template).render(recipient_values(customer))
    return Preview(
        rendered_message=rendered,
        used_template=template,
        customer=PreviewCustomer(id=customer.id, first_name=customer.first_name),
        warnings=["The message is blank: it holds no visible character"] if is_blank(rendered) else [],
    )
