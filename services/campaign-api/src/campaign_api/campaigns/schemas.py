"""Campaigns in requests and responses."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, Field, computed_field

from campaign_api.campaigns.stored_audiences import StoredAudience, known_audience
from campaign_api.campaigns.templates import check_template, template_warnings
from campaign_api.web.errors import ApiError, ErrorCode
from campaign_api.web.field_types import Id, Name, NotNull, RequestModel, TemplateText, Timestamp
from leopard.audiences.model import Audience
from leopard.domain.statuses import CampaignStatus, Channel

TEMPLATE_EXAMPLE: Final = "Hi {first_name}, check out {preferred_product} in {location}!"
TEMPLATE: Final = (
    "Text of the messages. `{first_name}`, `{last_name}`, `{location}`, `{preferred_product}` and `{phone}` are"
    " replaced by the customer's values."
)
SCHEDULE: Final = "When to send the campaign, in RFC 3339 format with an offset"
AUDIENCE: Final = "Recipients of a scheduled campaign; without an audience, a send must name its customers"


class NewCampaign(RequestModel):
    """A campaign to create."""

    name: Name = Field(description="Name of the campaign", examples=["Summer sale"])
    channel: Channel = Field(description="How the messages are sent", examples=[Channel.SMS])
    base_template: TemplateText = Field(description=TEMPLATE, examples=[TEMPLATE_EXAMPLE])
    scheduled_at: Timestamp | None = Field(default=None, description=SCHEDULE, examples=["2030-01-31T09:00:00Z"])
    audience: Audience | None = Field(default=None, description=AUDIENCE, examples=[{"all": True}])


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

    @computed_field(  # type: ignore[prop-decorator]
        description="Unknown placeholders of the template, and values that this version does not know", examples=[[]]
    )
    @property
    def warnings(self) -> list[str]:
        """Unknown placeholders of the template, and values that this version does not know."""
        return [
            *template_warnings(self.base_template),
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
            check_template(self.base_template)
        except ApiError as error:
            found.append(error)
        try:
            known_audience(self.audience)
        except ValueError:
            found.append(self._unknown(ErrorCode.INVALID_REQUEST, "an audience of a form"))
        return found

    def _unknown(self, code: ErrorCode, what: str) -> ApiError:
        return ApiError(code, f"Campaign {self.id} has {what} that this version does not know")
