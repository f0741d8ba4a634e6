"""Campaigns in requests and responses."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, Field, ValidationError, computed_field, model_validator

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
from campaign_api.campaigns.sms import SmsSize, sms_size
from campaign_api.campaigns.stored_audiences import StoredAudience, StoredJson, known_audience
from campaign_api.campaigns.templates import (
    AcceptedTexts,
    CampaignTexts,
    invalid_template,
    stored_variants,
    template_warnings,
)
from campaign_api.web.errors import ApiError, ErrorCode
from campaign_api.web.field_types import Id, Name, NotNull, RequestModel, TemplateText, Timestamp
from leopard.audiences.model import Audience
from leopard.domain.formats import EQUAL_FIELDS_FORMAT, KNOWN_FORMAT
from leopard.domain.statuses import CampaignStatus, Channel
from leopard.personalization.model import PersonalizationError
from leopard.personalization.rendering import MessageTemplates
from leopard.templates.problems import TemplateError

TEMPLATE_EXAMPLE: Final = "Hi {first_name}, check out {preferred_product} in {location}!"
TEMPLATE: Final = (
    "Text of the messages, with placeholders such as `{first_name}`, filters (`{first_name|uppercase}`) and conditions"
    " (`{{if location}}...{{end}}`); docs/templates.md describes them."
)
SCHEDULE: Final = "When to send the campaign, in RFC 3339 format with an offset"
AUDIENCE: Final = "Recipients of a scheduled campaign; without an audience, a send must name its customers"


class NewCampaign(RequestModel):
    """A campaign to create."""

    name: Name = Field(description="Name of the campaign", examples=["Summer sale"])
    channel: Channel = Field(description="How the messages are sent", examples=[Channel.SMS])
    base_template: TemplateText = Field(
        default="", description=f"{TEMPLATE} Required, unless there are variants.", examples=[TEMPLATE_EXAMPLE]
    )
    templates: Templates = Field(default={}, description=TEMPLATES, examples=[TEMPLATES_EXAMPLE])
    variants: Variants = Field(default=[], description=VARIANTS, examples=[VARIANTS_EXAMPLE])
    holdout_percent: HoldoutPercent = Field(default=0, description=HOLDOUT, examples=[10])
    scheduled_at: Timestamp | None = Field(default=None, description=SCHEDULE, examples=["2030-01-31T09:00:00Z"])
    audience: Audience | None = Field(default=None, description=AUDIENCE, examples=[{"all": True}])

    @model_validator(mode="after")
    def _has_a_text(self) -> "NewCampaign":
        if not self.base_template:
            if not self.variants:
                msg = "base_template is missing"
                raise ValueError(msg)
            self.base_template = self.variants[0].base_template
        return self

    @property
    def texts(self) -> CampaignTexts:
        """All texts of the campaign."""
        return CampaignTexts(self.base_template, self.templates, stored_variants(self.variants))


class CampaignChange(RequestModel):
    """Changes of a campaign that is `draft` or `scheduled`; absent fields stay as they are."""

    name: Annotated[Name | None, NotNull] = Field(
        default=None, description="Name of the campaign; must not be null", examples=["Summer sale, second try"]
    )
    channel: Annotated[Channel | None, NotNull] = Field(
        default=None, description="How the messages are sent; must not be null", examples=[Channel.SMS]
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
    holdout_percent: HoldoutPercent | None = Field(
        default=None, description=f"{HOLDOUT}; null removes it", examples=[10]
    )
    scheduled_at: Timestamp | None = Field(
        default=None, description=f"{SCHEDULE}; null makes it a `draft`", examples=["2030-01-31T09:00:00Z"]
    )
    audience: Audience | None = Field(
        default=None, description=f"{AUDIENCE}; null removes it", examples=[{"all": True}]
    )


class Campaign(BaseModel):
    """A campaign. A newer version may have stored values that this version does not know; see `warnings`."""

    id: Id = Field(description="Id of the campaign", examples=[1])
    name: str = Field(description="Name of the campaign", examples=["Summer sale"])
    channel: Channel | str = Field(description="How the messages are sent", examples=[Channel.SMS])
    status: CampaignStatus | str = Field(description="Status of the campaign", examples=[CampaignStatus.SCHEDULED])
    base_template: str = Field(description=TEMPLATE, examples=[TEMPLATE_EXAMPLE])
    templates: StoredJson = Field(
        default=None,
        description="Templates by language tag; absent if there are none",
        examples=[TEMPLATES_EXAMPLE],
        exclude_if=lambda stored: not stored,
    )
    variants: StoredJson = Field(
        default=None,
        description="Texts that are compared with each other; absent if there are none",
        examples=[VARIANTS_EXAMPLE],
        exclude_if=lambda stored: not stored,
    )
    holdout_percent: float = Field(
        default=0,
        description="Percentage of the audience that gets no message; absent if it is 0",
        examples=[10],
        exclude_if=lambda percent: percent == 0,
    )
    scheduled_at: datetime | None = Field(description="When to send the campaign", examples=["2030-01-31T09:00:00Z"])
    created_at: datetime = Field(description="When the campaign was created", examples=["2030-01-30T12:00:00Z"])
    updated_at: datetime = Field(description="When the campaign last changed", examples=["2030-01-30T12:00:00Z"])
    audience: StoredAudience = Field(
        default=None,
        description="Recipients of the campaign, if they are an audience; otherwise absent",
        examples=[{"all": True}],
        exclude_if=lambda stored: stored is None,
    )
    failure_reason: str | None = Field(
        default=None,
        description="Why the campaign as a whole failed; absent if it did not",
        examples=["its audience cannot be read"],
        exclude_if=lambda reason: reason is None,
    )

    format: int = Field(default=EQUAL_FIELDS_FORMAT, exclude=True)
    attributes: StoredJson = Field(default=None, exclude=True)
    """The attributes that its texts may name; None for the first version of the language."""

    @computed_field(  # type: ignore[prop-decorator]
        description="What `base_template` takes as an SMS where all placeholders are empty; absent for other channels",
        exclude_if=lambda size: size is None,
    )
    @property
    def sms(self) -> SmsSize | None:
        """What `base_template` takes as an SMS."""
        return sms_size(self.base_template, self.attributes) if self.channel == Channel.SMS else None

    @computed_field(  # type: ignore[prop-decorator]
        description="Unknown placeholders of the template, and values that this version does not know", examples=[[]]
    )
    @property
    def warnings(self) -> list[str]:
        """Unknown placeholders of the template, and values that this version does not know."""
        return [
            *dict.fromkeys(
                warning for text in self._shown_texts() for warning in template_warnings(text, self.attributes)
            ),
            *(problem.message for problem in self.problems() if problem.code is not ErrorCode.INVALID_TEMPLATE),
        ]

    def problems(self) -> list[ApiError]:
        """Why this version cannot send it."""
        found = []
        if self.status not in set(CampaignStatus):
            found.append(self._unknown(ErrorCode.INVALID_STATUS, f"the status {self.status:.40}"))
        if self.channel not in set(Channel):
            found.append(self._unknown(ErrorCode.INVALID_REQUEST, f"the channel {self.channel:.40}"))
        try:
            self.message_templates().check()
        except TemplateError as error:
            found.append(invalid_template(error))
        except PersonalizationError:
            found.append(self._unknown(ErrorCode.INVALID_REQUEST, "texts of a form"))
        if self.format > KNOWN_FORMAT:
            found.append(self._unknown(ErrorCode.INVALID_REQUEST, f"the format {self.format}"))
        try:
            known_audience(self.audience)
        except ValueError:
            found.append(self._unknown(ErrorCode.INVALID_REQUEST, "an audience of a form"))
        return found

    def texts(self) -> CampaignTexts:
        """All its texts.

        Raises:
            ApiError: INVALID_REQUEST where this version does not know their form.
        """
        try:
            return CampaignTexts(self.base_template, self.templates or {}, stored_variants(self.variants or ()))
        except ValidationError:
            raise self._unknown(ErrorCode.INVALID_REQUEST, "texts of a form") from None

    def with_texts(self, accepted: AcceptedTexts) -> "Campaign":
        """The same campaign with other texts."""
        stored = accepted.personalization
        return self.model_copy(
            update={
                "base_template": accepted.base_template,
                "templates": stored.templates if stored else None,
                "variants": [variant.model_dump() for variant in stored.variants] if stored else None,
                "attributes": stored.attributes if stored else None,
            }
        )

    def message_templates(self) -> MessageTemplates:
        """All its texts, to render a message.

        Raises:
            PersonalizationError: This version does not know the form of its texts.
        """
        personalization = None
        if self.attributes is not None:
            personalization = {
                "attributes": self.attributes, "templates": self.templates or {}, "variants": self.variants or [],
            }  # fmt: skip
        return MessageTemplates.stored(self.base_template, personalization)

    def _shown_texts(self) -> list[str]:
        try:
            return self.message_templates().texts()
        except PersonalizationError:
            return [self.base_template]

    def _unknown(self, code: ErrorCode, what: str) -> ApiError:
        return ApiError(code, f"Campaign {self.id} has {what} that this version does not know")
