"""How far a campaign's messages are: what clients see of it, and the SQL behind it."""

from datetime import datetime
from typing import Final

from psycopg.rows import class_row
from pydantic import BaseModel, Field

from campaign_api.campaigns.queries import get_campaign
from campaign_api.campaigns.schemas import Campaign
from leopard.db.counts import sum_of_counts
from leopard.db.pool import Connection
from leopard.db.provider_holds import hold_of
from leopard.domain.statuses import CampaignStatus


class Stats(BaseModel):
    """How far a campaign's messages are; `total` is the sum of the three after it.

    Messages that a cancelled campaign did not send are no part of the total.
    """

    total: int
    pending: int
    """Not finished; one that waits for another attempt is among them."""
    sent: int
    failed: int
    cancelled: int
    """Messages that were not sent because the campaign was cancelled."""
    retries: int
    """Attempts that failed and were, or will be, made again."""
    unknown_outcomes: int
    """How often it could not be known whether a message had been sent: a worker died, or an answer was lost."""


class Waiting(BaseModel):
    """Why the messages of a campaign that is being sent wait."""

    reason: str
    since: datetime
    until: datetime
    """When the provider is asked again, at the earliest."""


class CampaignWithStats(Campaign):
    """A campaign and how far its messages are."""

    stats: Stats
    waiting: Waiting | None = Field(default=None, exclude_if=lambda waiting: waiting is None)
    """Present while the provider of its channel is held; its messages then use no attempt."""


_STATS: Final = f"""
SELECT expected.total - counts.cancelled AS total,
       expected.total - counts.cancelled - counts.sent - counts.failed AS pending,
       counts.sent, counts.failed, counts.cancelled, counts.retries, counts.unknown_outcomes
  FROM campaigns
 CROSS JOIN LATERAL (
       {sum_of_counts("campaigns.id")}
       ) AS counts
 CROSS JOIN LATERAL (SELECT counts.total + campaigns.audience_unplanned AS total) AS expected
 WHERE campaigns.id = %(campaign_id)s
"""


async def get_campaign_with_stats(connection: Connection, campaign_id: int) -> CampaignWithStats:
    """One campaign and how far its messages are.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND.
    """
    async with connection.cursor(row_factory=class_row(Stats)) as cursor:
        # the counts first: a campaign that is finished then shows all of them
        await cursor.execute(_STATS, {"campaign_id": campaign_id})
        stats = await cursor.fetchone()
    campaign = await get_campaign(connection, campaign_id)
    assert stats is not None  # noqa: S101 get_campaign would have refused
    return CampaignWithStats(**dict(campaign), stats=stats, waiting=await _waiting(connection, campaign))


async def _waiting(connection: Connection, campaign: Campaign) -> Waiting | None:
    if campaign.status != CampaignStatus.SENDING:
        return None
    hold = await hold_of(connection, campaign.channel)
    return None if hold is None else Waiting(reason=hold.reason, since=hold.since, until=hold.until)
