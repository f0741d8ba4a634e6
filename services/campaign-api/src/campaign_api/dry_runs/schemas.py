"""Dry runs in requests and responses."""

from datetime import datetime

from pydantic import BaseModel, Field, model_validator

from campaign_api.dry_runs.report import DryRunReport
from campaign_api.prices import PriceTable
from campaign_api.web.field_types import Id, JsonIds, RequestModel
from leopard.audiences.model import Audience
from leopard.domain.dry_runs import DryRunStatus


class DryRunRequest(RequestModel):
    """The recipients, as of a send; without any, those of the campaign."""

    customer_ids: JsonIds | None = Field(default=None, description="Ids of the customers", examples=[[1, 2, 3]])
    audience: Audience | None = Field(default=None, description="The customers to select", examples=[{"all": True}])
    prices: PriceTable | None = Field(
        default=None, description="Prices to use instead of those of the settings, for the campaign's channel"
    )

    @model_validator(mode="after")
    def _at_most_one(self) -> "DryRunRequest":
        if self.customer_ids is not None and self.audience is not None:
            msg = "give either customer_ids or audience"
            raise ValueError(msg)
        return self


class DryRun(BaseModel):
    """A dry run of a campaign."""

    id: Id = Field(description="Id of the dry run", examples=[1])
    campaign_id: Id = Field(description="Id of the campaign", examples=[1])
    status: DryRunStatus = Field(description="Status of the dry run", examples=[DryRunStatus.DONE])
    recipients: int | None = Field(
        description="Number of customers in the audience; null until they are counted", examples=[1112]
    )
    rendered: int = Field(description="How many of them are done", examples=[1112])
    problem: str | None = Field(description="Why it ended without a report; null if it did not", examples=[None])
    report: DryRunReport | None = Field(description="The report; null until the dry run is done")
    created_at: datetime = Field(description="When it began", examples=["2030-01-31T09:00:00Z"])
    finished_at: datetime | None = Field(
        description="When it ended; null while it runs", examples=["2030-01-31T09:00:02Z"]
    )
