"""Validates templates before a campaign exists: errors with their places, and what the texts may not mean."""

from collections.abc import Iterator, Mapping
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from campaign_api.audiences.estimate import estimate_audience
from campaign_api.audiences.problems import answering_audience_problems
from campaign_api.campaigns.content import refuse_unless_possible
from campaign_api.campaigns.requests import AUDIENCE, NewTexts
from campaign_api.campaigns.sms import SmsSize, sms_size_of, sms_warnings, ucs2_problems
from campaign_api.campaigns.templates import AcceptedTexts, CampaignTexts, accept_texts
from campaign_api.dependencies import ConnectionDep
from campaign_api.web.error_responses import BODY_ERRORS, error_responses
from campaign_api.web.errors import ErrorCode
from campaign_api.web.json_bodies import JsonRoute
from leopard.audiences.model import Audience
from leopard.db.attribute_types import all_types
from leopard.db.pool import Connection
from leopard.domain.customer_fields import COLUMNS, FieldType
from leopard.domain.statuses import Channel
from leopard.personalization.content_parts import texts as content_texts
from leopard.templates.checks import check_template, fields_without_fallback
from leopard.templates.field_names import attribute_of
from leopard.templates.language import Template, known_names, parse_template
from leopard.templates.problems import Problem

router = APIRouter(prefix="/templates", tags=["campaigns"], route_class=JsonRoute)

_NONE: Final[Mapping[str, object]] = {}


class ValidationRequest(NewTexts):
    """Texts to validate, and the audience that they are meant for."""

    channel: Channel = Field(default=Channel.SMS, description="How the messages are sent", examples=[Channel.WHATSAPP])
    audience: Audience | None = Field(default=None, description=AUDIENCE, examples=[{"all": True}])


class TextWarning(BaseModel):
    """What a text may not mean. It prevents nothing."""

    field: str = Field(description="The text", examples=["base_template"])
    message: str = Field(description="What may be wrong", examples=["Unknown placeholder {frist_name}"])
    line: int | None = Field(default=None, description="Line, from 1; null if it is about the whole text")
    column: int | None = Field(default=None, description="Column, from 1; null if it is about the whole text")
    nearest: str | None = Field(
        default=None, description="The known name that is most like it", examples=["first_name"]
    )
    customers: int | None = Field(
        default=None, description="Number of customers of the audience for whom the field is empty", examples=[12]
    )


class Validation(BaseModel):
    """The result of a validation without errors."""

    valid: bool = Field(default=True, description="Always true: an error is answered with INVALID_TEMPLATE")
    warnings: list[TextWarning] = Field(description="What the texts may not mean")
    sms: dict[str, SmsSize] = Field(
        description="What each text takes as an SMS where all placeholders are empty; empty for other channels"
    )


@router.post(
    "/validate",
    operation_id="validate_templates",
    summary="Validate templates",
    response_description="The warnings",
    responses=error_responses(
        ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_TEMPLATE, ErrorCode.SEGMENT_NOT_FOUND, *BODY_ERRORS
    ),
)
async def validate(request: ValidationRequest, connection: ConnectionDep) -> Validation:
    """Check texts as for a new campaign. Nothing is stored.

    An error is answered as `POST /campaigns` does, with the place of each wrong text in `details`. Warnings name
    unknown placeholders, fields that are empty for a part of the audience, texts of several SMS segments, and
    characters that force UCS-2.
    """
    texts = request.texts
    accepted = await accept_texts(connection, texts)
    refuse_unless_possible(request.channel, texts.content)
    types = await all_types(connection)
    bodies = dict(_sent_bodies(texts, accepted))
    parts = {} if texts.content is None else dict(content_texts(texts.content))
    parsed = {field: parse_template(text, known_names(types)) for field, text in (bodies | parts).items()}
    warnings = [warning for field, template in parsed.items() for warning in _of_template(field, template, types)]
    if request.audience is not None:
        warnings += await _of_audience(connection, parsed, request.audience)
    sizes: dict[str, SmsSize] = {}
    if request.channel is Channel.SMS:
        sizes = {field: sms_size_of(parsed[field].render(_NONE)) for field in bodies}
        for field, text in bodies.items():
            warnings += [_warning(field, problem) for problem in ucs2_problems(text)]
            warnings += [TextWarning(field=field, message=message) for message in sms_warnings(sizes[field])]
    return Validation(warnings=warnings, sms=sizes)


def _of_template(field: str, template: Template, types: Mapping[str, FieldType]) -> Iterator[TextWarning]:
    for problem in check_template(template, types):
        yield _warning(field, problem)


async def _of_audience(connection: Connection, parsed: Mapping[str, Template], audience: Audience) -> list[TextWarning]:
    with answering_audience_problems():
        estimate = await estimate_audience(connection, audience)
    about = "" if estimate.exact else "about "
    found = []
    for field, template in parsed.items():
        for name in fields_without_fallback(template.tree):
            customers = estimate.empty_fields.get(_counted_name(name))
            if customers:
                message = f"{name} is empty for {about}{customers} of {estimate.count} customers of the audience"
                found.append(TextWarning(field=field, message=message, customers=customers))
    return found


def _counted_name(name: str) -> str:
    """The name of a field in an estimate: an attribute has its prefix there only if a column has the same name."""
    attribute = attribute_of(name)
    if attribute is None:
        return name
    return f"attributes.{attribute}" if attribute in COLUMNS else attribute


def _sent_bodies(texts: CampaignTexts, accepted: AcceptedTexts) -> Iterator[tuple[str, str]]:
    """The texts that recipients may get."""
    variants = accepted.variant_bounds is not None
    for field, text in texts.bodies():
        if field.startswith("variants.") or not variants:
            yield field, text


def _warning(field: str, problem: Problem) -> TextWarning:
    return TextWarning(
        field=field, message=problem.message, line=problem.line, column=problem.column, nearest=problem.nearest
    )
