"""The statistics of a campaign: the number of its messages by status."""

from datetime import datetime
from typing import Final

from psycopg.rows import class_row
from pydantic import BaseModel, Field

from campaign_api.campaigns.queries import get_campaign
from campaign_api.campaigns.schemas import Campaign
from campaign_api.campaigns.variant_stats import Comparison, VariantStats, compare, variant_names, variant_stats
from leopard.db.counts import sum_of_counts
from leopard.db.pool import Connection
from leopard.db.provider_holds import hold_of
from leopard.domain.statuses import CampaignStatus


class Stats(BaseModel):
    """Number of a campaign's messages by status. `total` is always `pending` + `sent` + `failed`."""

    total: int = Field(description="All messages except cancelled ones", examples=[100])
    pending: int = Field(description="Messages not finished yet, including those that wait for a retry", examples=[45])
    sent: int = Field(description="Messages that the provider accepted", examples=[50])
    failed: int = Field(description="Messages that failed for good", examples=[5])
    cancelled: int = Field(description="Messages not sent because the campaign was cancelled", examples=[0])
    retries: int = Field(description="Failed attempts that were, or will be, repeated", examples=[7])
    unknown_outcomes: int = Field(
        description=(
            "Attempts after which it is unknown whether the message was sent, because a worker died or a provider's"
            " response was lost"
        ),
        examples=[0],
    )
    held_out: int = Field(
        default=0,
        description="Customers of the audience that get no message, because they are in the hold-out; absent if 0",
        examples=[10],
        exclude_if=lambda held_out: held_out == 0,
    )
    variants: list[VariantStats] = Field(
        default=[],
        description="The messages of each variant; absent if there are none",
        exclude_if=lambda variants: not variants,
    )


class Waiting(BaseModel):
    """Why the messages of a `sending` campaign wait."""

    reason: str = Field(description="Why the provider is on hold", examples=["the provider answered 503"])
    since: datetime = Field(description="When the hold began", examples=["2030-01-31T09:05:00Z"])
    until: datetime = Field(description="Earliest time of the next attempt", examples=["2030-01-31T09:05:30Z"])


class CampaignWithStats(Campaign):
    """A campaign and the number of its messages by status."""

    stats: Stats = Field(description="Number of its messages by status")
    comparisons: list[Comparison] = Field(
        default=[],
        description="How the shares of success of the variants differ; absent if there are none",
        exclude_if=lambda comparisons: not comparisons,
    )
    waiting: Waiting | None = Field(
        default=None,
        description="Present while the provider of its channel is on hold; messages that wait use no attempt",
        exclude_if=lambda waiting: waiting is None,
    )


_STATS: Final = f"""
SELECT expected.total - counts.cancelled AS total,
       expected.total - counts.cancelled - counts.sent - counts.failed AS pending,
       counts.sent, counts.failed, counts.cancelled, counts.retries, counts.unknown_outcomes, counts.held_out
  FROM campaigns
 CROSS JOIN LATERAL (
       {sum_of_counts("campaigns.id")}
       ) AS counts
 CROSS JOIN LATERAL (SELECT counts.total + campaigns.audience_unplanned AS total) AS expected
 WHERE campaigns.id = %(campaign_id)s
"""


async def get_campaign_with_stats(connection: Connection, campaign_id: int) -> CampaignWithStats:
    """One campaign with its statistics.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND.
    """
    async with connection.cursor(row_factory=class_row(Stats)) as cursor:
        # read the counts first: then a finished campaign shows all of them
        await cursor.execute(_STATS, {"campaign_id": campaign_id})
        stats = await cursor.fetchone()
    campaign = await get_campaign(connection, campaign_id)
    assert stats is not None  # noqa: S101 get_campaign would have refused
    names = variant_names(campaign.variants)
    if names:
        stats.variants = await variant_stats(connection, campaign_id, names)
    return CampaignWithStats(
        **dict(campaign),
        stats=stats,
        comparisons=compare(stats.variants),
        waiting=await _waiting(connection, campaign),
    )


async def _waiting(connection: Connection, campaign: Campaign) -> Waiting | None:
    if campaign.status != CampaignStatus.SENDING:
        return None
    hold = await hold_of(connection, campaign.channel)
    return None if hold is None else Waiting(reason=hold.reason, since=hold.since, until=hold.until)
