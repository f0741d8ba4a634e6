"""Campaigns in requests: to create, and to change."""

import operator
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from campaign_api.campaigns.content import CONTENT, CONTENT_EXAMPLE, NewContent
from campaign_api.campaigns.personalization import (
    HOLDOUT,
    TEMPLATES,
    TEMPLATES_EXAMPLE,
    VARIANTS,
    VARIANTS_EXAMPLE,
    HoldoutPercent,
    Templates,
    Variants,
)
from campaign_api.campaigns.templates import CampaignTexts, stored_variants
from campaign_api.web.field_types import Name, NotNull, RequestModel, TemplateText, Timestamp
from leopard.audiences.model import Audience
from leopard.domain.statuses import Channel

TEMPLATE_EXAMPLE: Final = "Hi {first_name}, check out {preferred_product} in {location}!"
TEMPLATE: Final = (
    "Text of the messages, with placeholders such as `{first_name}`, filters (`{first_name|uppercase}`) and conditions"
    " (`{{if location}}...{{end}}`); docs/templates.md describes them."
)
TWO_TEXTS: Final = "give the text either as base_template or as content.body"
SCHEDULE: Final = "When to send the campaign, in RFC 3339 format with an offset"
AUDIENCE: Final = "Recipients of a scheduled campaign; without an audience, a send must name its customers"


class NewTexts(RequestModel):
    """The texts of a campaign to create."""

    base_template: TemplateText = Field(
        default="",
        description=f"{TEMPLATE} Required, unless there are variants or `content.body`.",
        examples=[TEMPLATE_EXAMPLE],
    )
    templates: Templates = Field(
        default={}, description=TEMPLATES, examples=[TEMPLATES_EXAMPLE], exclude_if=operator.not_
    )
    variants: Variants = Field(default=[], description=VARIANTS, examples=[VARIANTS_EXAMPLE], exclude_if=operator.not_)
    content: NewContent | None = Field(
        default=None, description=CONTENT, examples=[CONTENT_EXAMPLE], exclude_if=operator.not_
    )

    @model_validator(mode="after")
    def _has_a_text(self) -> Self:
        if self.content is not None and self.content.body is not None:
            if self.base_template:
                raise ValueError(TWO_TEXTS)
            self.base_template = self.content.body
        if not self.base_template:
            if not self.variants:
                msg = "base_template is missing"
                raise ValueError(msg)
            self.base_template = self.variants[0].base_template
        return self

    @property
    def texts(self) -> CampaignTexts:
        """All texts of the campaign."""
        content = self.content.beside_text if self.content else None
        return CampaignTexts(self.base_template, self.templates, stored_variants(self.variants), content)


class _NewName(RequestModel):
    name: Name = Field(description="Name of the campaign", examples=["Summer sale"])
    channel: Channel = Field(description="How the messages are sent", examples=[Channel.WHATSAPP])


class NewCampaign(NewTexts, _NewName):
    """A campaign to create.

    Idempotency keys compare its JSON with that of other versions. So a campaign that uses none of the later fields has
    the JSON of the first version, to the byte.
    """

    holdout_percent: HoldoutPercent = Field(default=0, description=HOLDOUT, examples=[10], exclude_if=operator.not_)
    scheduled_at: Timestamp | None = Field(default=None, description=SCHEDULE, examples=["2030-01-31T09:00:00Z"])
    audience: Audience | None = Field(default=None, description=AUDIENCE, examples=[{"all": True}])


class CampaignChange(RequestModel):
    """Changes of a campaign that is `draft` or `scheduled`; absent fields stay as they are."""

    name: Annotated[Name | None, NotNull] = Field(
        default=None, description="Name of the campaign; must not be null", examples=["Summer sale, second try"]
    )
    channel: Annotated[Channel | None, NotNull] = Field(
        default=None, description="How the messages are sent; must not be null", examples=[Channel.WHATSAPP]
    )
    base_template: Annotated[TemplateText | None, NotNull] = Field(
        default=None, description=f"{TEMPLATE} Must not be null.", examples=[TEMPLATE_EXAMPLE]
    )
    templates: Templates | None = Field(
        default=None, description=f"{TEMPLATES}; null removes all", examples=[TEMPLATES_EXAMPLE]
    )
    variants: Variants | None = Field(
        default=None, description=f"{VARIANTS}; null removes all", examples=[VARIANTS_EXAMPLE]
    )
    content: NewContent | None = Field(
        default=None, description=f"{CONTENT}. Replaces all of it; null removes it", examples=[CONTENT_EXAMPLE]
    )
    holdout_percent: HoldoutPercent | None = Field(
        default=None, description=f"{HOLDOUT}; null removes it", examples=[10]
    )
    scheduled_at: Timestamp | None = Field(
        default=None, description=f"{SCHEDULE}; null makes it a `draft`", examples=["2030-01-31T09:00:00Z"]
    )
    audience: Audience | None = Field(
        default=None, description=f"{AUDIENCE}; null removes it", examples=[{"all": True}]
    )

    @model_validator(mode="after")
    def _has_one_text(self) -> "CampaignChange":
        if self.base_template and self.content is not None and self.content.body is not None:
            raise ValueError(TWO_TEXTS)
        return self

    def given(self) -> dict[str, Any]:
        """The values to change, by their fields of a campaign."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if self.variants is not None:
            given["variants"] = stored_variants(self.variants)
        if self.content is not None:
            given["content"] = self.content.beside_text
            if self.content.body is not None:
                given["base_template"] = self.content.body
        return given
