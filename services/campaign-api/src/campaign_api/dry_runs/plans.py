"""Reads what determines the messages of a campaign, for a dry run."""

from typing import Final

from campaign_api.dry_runs.rendering import MessagePlan
from campaign_api.prices import PriceTable
from campaign_api.settings import ApiSettings
from campaign_api.web.errors import ApiError, ErrorCode, campaign_not_found
from leopard.db.pool import Connection
from leopard.domain.statuses import Channel
from leopard.personalization.model import PersonalizationError
from leopard.personalization.rendering import MessageTemplates

_GET: Final = """
SELECT channel, base_template, personalization::text, variant_bounds, holdout_share
  FROM campaigns
 WHERE id = %(campaign_id)s
"""


async def message_plan(
    connection: Connection, campaign_id: int, settings: ApiSettings, prices: PriceTable | None
) -> MessagePlan:
    """What determines the messages of a campaign now.

    Args:
        connection: A connection.
        campaign_id: The campaign.
        settings: Have the prices of each channel.
        prices: Prices to use instead.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND; INVALID_TEMPLATE where another version wrote what this one does not know.
    """
    cursor = await connection.execute(_GET, {"campaign_id": campaign_id})
    row = await cursor.fetchone()
    if row is None:
        raise campaign_not_found(campaign_id)
    channel, base_template, personalization, variant_bounds, holdout_share = row
    try:
        templates = MessageTemplates.stored(base_template, personalization)
    except PersonalizationError as error:
        raise ApiError(ErrorCode.INVALID_TEMPLATE, f"This version does not know the personalization: {error}") from None
    return MessagePlan(
        campaign_id=campaign_id,
        channel=channel,
        templates=templates,
        variant_bounds=variant_bounds,
        holdout_share=holdout_share,
        prices=prices or (settings.sms_prices if channel == Channel.SMS else settings.whatsapp_prices),
    )
