"""Status changes of campaigns, as compare-and-set updates: of two concurrent changes only one succeeds."""

from collections.abc import Collection
from typing import Any, Final

from psycopg import AsyncConnection

from leopard.domain.statuses import CampaignStatus, sources_of

_MOVE: Final = """
UPDATE campaigns
   SET status = %(target)s, updated_at = now()
 WHERE id = %(campaign_id)s AND status = ANY(%(sources)s)
"""


async def move_campaign(
    connection: AsyncConnection[Any],
    campaign_id: int,
    target: CampaignStatus,
    *,
    only_from: Collection[CampaignStatus] = tuple(CampaignStatus),
) -> bool:
    """Move a campaign to `target` in the caller's transaction; False if its status does not allow it.

    Args:
        connection: A connection with an open transaction.
        campaign_id: The campaign to move.
        target: The new status.
        only_from: The source statuses that this caller accepts.
    """
    sources = [source for source in sources_of(target) if source in only_from]
    moved = await connection.execute(_MOVE, {"campaign_id": campaign_id, "target": target, "sources": sources})
    return moved.rowcount == 1
