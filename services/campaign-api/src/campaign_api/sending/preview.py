"""The preview: a message for one customer, exactly as a send would deliver it."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from campaign_api.campaigns.queries import get_campaign
from campaign_api.campaigns.templates import check_template
from campaign_api.customers.queries import get_customer
from campaign_api.dependencies import ConnectionDep
from campaign_api.metrics import PREVIEWS
from campaign_api.web.error_responses import BODY_ERRORS, error_responses
from campaign_api.web.errors import ErrorCode
from campaign_api.web.field_types import MAX_TEMPLATE, CampaignId, Id, JsonId, RequestModel
from campaign_api.web.json_bodies import JsonRoute
from leopard.domain.blank_text import is_blank
from leopard.templates.recipient_values import recipient_values
from leopard.templates.rendering import parse_template

router = APIRouter(prefix="/campaigns/{campaign_id}", tags=["sending"], route_class=JsonRoute)


class PreviewRequest(RequestModel):
    """The customer to render a message for, and optionally another template."""

    customer_id: JsonId = Field(description="Id of the customer", examples=[1])
    override_template: str | None = Field(
        default=None,
        max_length=MAX_TEMPLATE,
        description="Template to use instead of the campaign's; if absent, null or empty, the campaign's is used",
        examples=["Hello {first_name}"],
    )


class PreviewCustomer(BaseModel):
    """The customer of a preview."""

    id: Id = Field(description="Id of the customer", examples=[1])
    first_name: str | None = Field(description="First name", examples=["Alice"])


class Preview(BaseModel):
    """A message exactly as a send would deliver it."""

    rendered_message: str = Field(description="Text of the message", examples=["Hello Alice"])
    used_template: str = Field(description="Template of the message", examples=["Hello {first_name}"])
    customer: PreviewCustomer = Field(description="The customer")
    warnings: list[str] = Field(
        default=[],
        description="Problems of the message that do not prevent a send; absent if there are none",
        examples=[["The message is blank: it holds no visible character"]],
        exclude_if=lambda warnings: not warnings,
    )


@router.post(
    "/personalized-preview",
    operation_id="preview_campaign",
    summary="Preview a message",
    response_description="The message",
    responses=error_responses(
        ErrorCode.INVALID_REQUEST,
        ErrorCode.INVALID_TEMPLATE,
        ErrorCode.CAMPAIGN_NOT_FOUND,
        ErrorCode.CUSTOMER_NOT_FOUND,
        *BODY_ERRORS,
    ),
)
async def preview(campaign_id: CampaignId, request: PreviewRequest, connection: ConnectionDep) -> Preview:
    """Render the message for one customer, exactly as a send would deliver it. Nothing is sent."""
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
