"""Campaigns as clients write and read them."""

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, Field, computed_field

from campaign_api.campaigns.stored_audiences import StoredAudience, known_audience
from campaign_api.campaigns.templates import check_template, template_warnings
from campaign_api.web.errors import ApiError, ErrorCode
from campaign_api.web.field_types import Name, NotNull, RequestModel, TemplateText, Timestamp
from leopard.audiences.model import Audience
from leopard.domain.statuses import CampaignStatus, Channel

_TEMPLATE_EXAMPLE: Final = "Hi {first_name}, check out {preferred_product} in {location}!"


class NewCampaign(RequestModel):
    """A campaign to be created."""

    name: Name = Field(examples=["Summer sale"])
    channel: Channel = Field(examples=[Channel.SMS])
    base_template: TemplateText = Field(examples=[_TEMPLATE_EXAMPLE])
    scheduled_at: Timestamp | None = Field(default=None, examples=[None])
    audience: Audience | None = Field(default=None, examples=[None])


class CampaignChange(RequestModel):
    """What may be changed of a campaign that was not sent yet; what is not given stays."""

    name: Annotated[Name | None, NotNull] = Field(default=None, examples=["Summer sale, second try"])
    channel: Annotated[Channel | None, NotNull] = Field(default=None, examples=[Channel.SMS])
    base_template: Annotated[TemplateText | None, NotNull] = Field(default=None, examples=[_TEMPLATE_EXAMPLE])
    scheduled_at: Timestamp | None = Field(default=None, examples=["2030-01-31T09:00:00Z"])
    audience: Audience | None = Field(default=None, examples=[{"all": True}])


class Campaign(BaseModel):
    """A campaign as it is stored, also where another version wrote what this one does not know."""

    id: int
    name: str
    channel: Channel | str
    status: CampaignStatus | str
    base_template: str
    scheduled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    audience: StoredAudience = Field(default=None, examples=[{"all": True}], exclude_if=lambda stored: stored is None)
    failure_reason: str | None = Field(default=None, exclude_if=lambda reason: reason is None)
    """Why it failed as a whole; absent where its messages tell."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def warnings(self) -> list[str]:
        """What is odd about it: unknown placeholders, and what this version does not know."""
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
