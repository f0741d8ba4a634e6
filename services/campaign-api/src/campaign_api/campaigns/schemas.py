"""Campaigns in responses."""

import json
from datetime import datetime

from pydantic import BaseModel, Field, computed_field

from campaign_api.campaigns.content import CONTENT_EXAMPLE
from campaign_api.campaigns.personalization import TEMPLATES_EXAMPLE, VARIANTS_EXAMPLE
from campaign_api.campaigns.requests import TEMPLATE, TEMPLATE_EXAMPLE
from campaign_api.campaigns.sms import SmsSize, sms_size
from campaign_api.campaigns.stored_audiences import StoredAudience, StoredJson, known_audience
from campaign_api.campaigns.templates import (
    AcceptedTexts,
    CampaignTexts,
    invalid_template,
    template_warnings,
)
from campaign_api.web.errors import ApiError, ErrorCode
from campaign_api.web.field_types import Id
from leopard.domain.formats import EQUAL_FIELDS_FORMAT, KNOWN_FORMAT
from leopard.domain.statuses import CampaignStatus, Channel
from leopard.personalization.model import PersonalizationError, read_personalization
from leopard.personalization.rendering import MessageTemplates
from leopard.templates.problems import TemplateError


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
    content: StoredJson = Field(
        default=None,
        description="What its messages have beside the text; absent if there is nothing",
        examples=[CONTENT_EXAMPLE],
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
    personalization: str | None = Field(default=None, exclude=True)
    """All that is stored beside `base_template`, as JSON; None for the first version of the language."""

    @computed_field(  # type: ignore[prop-decorator]
        description=(
            "What `base_template`, or that of the first variant, takes as an SMS where all placeholders are empty;"
            " absent for other channels"
        ),
        exclude_if=lambda size: size is None,
    )
    @property
    def sms(self) -> SmsSize | None:
        """What `base_template`, or that of the first variant, takes as an SMS."""
        texts = self._known_texts()
        if texts is None or self.channel != Channel.SMS:
            return None
        return sms_size(texts.texts()[0], texts.attributes)

    @computed_field(  # type: ignore[prop-decorator]
        description="Unknown placeholders of the template, and values that this version does not know", examples=[[]]
    )
    @property
    def warnings(self) -> list[str]:
        """Unknown placeholders of the template, and values that this version does not know."""
        texts = self._known_texts()
        shown = [] if texts is None else [(text, texts.attributes) for text in texts.texts()]
        return [
            *dict.fromkeys(warning for text, attributes in shown for warning in template_warnings(text, attributes)),
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
            known = read_personalization(
                {"templates": self.templates or {}, "variants": self.variants or (), "content": self.content}
            )
        except PersonalizationError:
            raise self._unknown(ErrorCode.INVALID_REQUEST, "texts of a form") from None
        return CampaignTexts(self.base_template, known.templates, tuple(known.variants), known.content)

    def with_texts(self, accepted: AcceptedTexts) -> "Campaign":
        """The same campaign with other texts."""
        stored = accepted.personalization.stored() if accepted.personalization else None
        return self.model_copy(
            update={
                "base_template": accepted.base_template,
                **{name: stored.get(name) if stored else None for name in ("templates", "variants", "content")},
                "personalization": None if stored is None else json.dumps(stored),
            }
        )

    def message_templates(self) -> MessageTemplates:
        """All its texts, to render a message.

        Raises:
            PersonalizationError: This version does not know the form of its texts.
        """
        return MessageTemplates.stored(self.base_template, self.personalization)

    def _known_texts(self) -> MessageTemplates | None:
        try:
            return self.message_templates()
        except PersonalizationError:
            return None

    def _unknown(self, code: ErrorCode, what: str) -> ApiError:
        return ApiError(code, f"Campaign {self.id} has {what} that this version does not know")
