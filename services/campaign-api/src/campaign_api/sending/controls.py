"""Pausing, resuming and cancelling a campaign that is being sent.

Each is one move of the campaign's status. Workers ask for the status with every claim, so it is in force at once;
messages already handed to the provider are not recalled.
"""

from campaign_api.campaigns.queries import get_campaign
from campaign_api.campaigns.schemas import Campaign
from campaign_api.web.errors import ApiError, ErrorCode
from leopard.db.chunks import recheck_chunks, republish_chunks
from leopard.db.pool import Connection
from leopard.db.transitions import move_campaign
from leopard.domain.statuses import CampaignStatus


async def pause_campaign(connection: Connection, campaign_id: int) -> Campaign:
    """Stop sending until the campaign is resumed.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND; INVALID_STATUS where it is not being sent.
    """
    if not await move_campaign(connection, campaign_id, CampaignStatus.PAUSED):
        raise await _refusal(connection, campaign_id, "paused")
    return await get_campaign(connection, campaign_id)


async def resume_campaign(connection: Connection, campaign_id: int) -> Campaign:
    """Continue to send.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND; INVALID_STATUS where it is not paused.
    """
    async with connection.transaction():
        if not await move_campaign(connection, campaign_id, CampaignStatus.SENDING, only_from={CampaignStatus.PAUSED}):
            raise await _refusal(connection, campaign_id, "resumed")
        # workers dropped the jobs that arrived during the pause
        await republish_chunks(connection, campaign_id)
    return await get_campaign(connection, campaign_id)


async def cancel_campaign(connection: Connection, campaign_id: int) -> Campaign:
    """Stop sending for good; the dispatcher cancels the messages that were not sent.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND; INVALID_STATUS where it is neither being sent nor paused.
    """
    async with connection.transaction():
        if not await move_campaign(connection, campaign_id, CampaignStatus.CANCELLED):
            raise await _refusal(connection, campaign_id, "cancelled")
        await recheck_chunks(connection, campaign_id)
    return await get_campaign(connection, campaign_id)


async def _refusal(connection: Connection, campaign_id: int, wanted: str) -> ApiError:
    campaign = await get_campaign(connection, campaign_id)
    return ApiError(ErrorCode.INVALID_STATUS, f"Campaign {campaign_id} is {campaign.status}; it cannot be {wanted}")
