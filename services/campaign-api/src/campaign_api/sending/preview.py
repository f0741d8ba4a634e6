"""The preview: a message for one customer, exactly as a send would deliver it."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from campaign_api.campaigns.content import RENDERED_CONTENT_EXAMPLE
from campaign_api.campaigns.queries import get_campaign, refuse_unless_known
from campaign_api.campaigns.schemas import Campaign
from campaign_api.campaigns.sms import SmsSize, sms_size_of, sms_warnings, ucs2_problems
from campaign_api.campaigns.templates import CampaignTexts, accept_texts, invalid_template, template_warnings
from campaign_api.customers.queries import get_customer
from campaign_api.dependencies import ConnectionDep
from campaign_api.metrics import PREVIEWS
from campaign_api.web.error_responses import BODY_ERRORS, error_responses
from campaign_api.web.errors import ErrorCode
from campaign_api.web.field_types import MAX_TEMPLATE, CampaignId, Id, JsonId, LanguageTag, RequestModel
from campaign_api.web.json_bodies import JsonRoute
from leopard.db.pool import Connection
from leopard.domain.blank_text import is_blank
from leopard.domain.statuses import Channel
from leopard.personalization.content_parts import ContentError
from leopard.personalization.model import PersonalizationError
from leopard.personalization.rendering import MessageTemplates
from leopard.personalization.shares import is_held_out, variant_of
from leopard.templates.problems import TemplateError

router = APIRouter(prefix="/campaigns/{campaign_id}", tags=["sending"], route_class=JsonRoute)


class PreviewRequest(RequestModel):
    """The customer to render a message for, and optionally another template."""

    customer_id: JsonId = Field(description="Id of the customer", examples=[1])
    language: LanguageTag | None = Field(
        default=None,
        description="Language to use instead of the customer's `preferred_language`",
        examples=["sw"],
    )
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
    content: dict[str, Any] | None = Field(
        default=None,
        description="Rich content as the provider gets it; absent if the message is only text, or cannot be sent",
        examples=[RENDERED_CONTENT_EXAMPLE],
        exclude_if=lambda content: content is None,
    )
    language: str | None = Field(
        default=None,
        description="Language of the template; absent if it is `base_template`",
        examples=["sw"],
        exclude_if=lambda language: language is None,
    )
    variant: str | None = Field(
        default=None,
        description="Name of the customer's variant; absent if there are none",
        examples=["a"],
        exclude_if=lambda variant: variant is None,
    )
    held_out: bool = Field(
        default=False,
        description="Whether the customer is in the hold-out and gets no message; absent if not",
        examples=[True],
        exclude_if=lambda held_out: not held_out,
    )
    sms: SmsSize | None = Field(
        default=None,
        description="What the text takes as an SMS; absent for other channels",
        exclude_if=lambda size: size is None,
    )
    used_template: str = Field(description="Template of the message", examples=["Hello {first_name}"])
    customer: PreviewCustomer = Field(description="The customer")
    warnings: list[str] = Field(
        default=[],
        description="Problems of the message; absent if there are none. They do not prevent a send to others",
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
    templates = await _templates(connection, campaign, request.override_template)
    bounds = templates.variant_bounds
    variant = None if bounds is None else variant_of(campaign.id, customer.id, bounds)
    warnings = []
    try:
        try:
            rendered = templates.render(customer, variant, request.language)
        except ContentError as error:
            warnings.append(f"The message cannot be sent to this customer: {error}")
            rendered = templates.render_text(customer, variant, request.language)
    except TemplateError as error:
        raise invalid_template(error) from None
    sms = sms_size_of(rendered.text) if campaign.channel == Channel.SMS else None
    if is_blank(rendered.text):
        warnings.append("The message is blank: it holds no visible character")
    else:
        warnings += template_warnings(rendered.template, templates.attributes)
        if sms is not None:
            warnings += [*(problem.message for problem in ucs2_problems(rendered.text)), *sms_warnings(sms)]
    PREVIEWS.inc()
    return Preview(
        rendered_message=rendered.text,
        content=rendered.content,
        used_template=rendered.template,
        language=rendered.language,
        variant=None if variant is None else templates.variants[variant - 1].name,
        held_out=is_held_out(campaign.id, customer.id, campaign.holdout_percent / 100),
        sms=sms,
        customer=PreviewCustomer(id=customer.id, first_name=customer.first_name),
        warnings=warnings,
    )


async def _templates(connection: Connection, campaign: Campaign, override: str | None) -> MessageTemplates:
    """The texts to render: those of the campaign, or one that a client tries.

    Raises:
        ApiError: INVALID_TEMPLATE; INVALID_REQUEST where this version does not know the form of the texts.
    """
    if not override:
        try:
            return campaign.message_templates()
        except PersonalizationError:
            refuse_unless_known(campaign)
            raise
    accepted = await accept_texts(connection, CampaignTexts(override, {}, (), campaign.texts().content))
    return MessageTemplates(override, accepted.personalization)
