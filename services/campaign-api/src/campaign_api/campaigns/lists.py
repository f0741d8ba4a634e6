"""Lists of campaigns, newest first."""

from typing import Final

from psycopg.rows import class_row

from campaign_api.campaigns.queries import COLUMNS
from campaign_api.campaigns.schemas import Campaign
from leopard.db.pool import Connection
from leopard.domain.statuses import CampaignStatus, Channel

_SELECTED: Final = """
    (%(channel)s::text IS NULL OR channel = %(channel)s) AND (%(status)s::text IS NULL OR status = %(status)s)
"""

_COUNT: Final = f"""
SELECT count(*), COALESCE(max(id), 0)
  FROM campaigns
 WHERE {_SELECTED} AND (%(as_of)s::bigint IS NULL OR id <= %(as_of)s)
"""

_LIST: Final = f"""
SELECT {COLUMNS}
  FROM campaigns
 WHERE {_SELECTED} AND id <= %(up_to)s
 ORDER BY id DESC
 LIMIT %(limit)s OFFSET %(offset)s
"""


async def count_campaigns(
    connection: Connection, channel: Channel | None, status: CampaignStatus | None, as_of: int | None
) -> tuple[int, int]:
    """The number of campaigns in a list, and the newest id in it."""
    cursor = await connection.execute(_COUNT, {"channel": channel, "status": status, "as_of": as_of})
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 an aggregate always gives a row
    return int(row[0]), int(row[1])


async def list_campaigns(
    connection: Connection,
    channel: Channel | None,
    status: CampaignStatus | None,
    *,
    up_to: int,
    limit: int,
    offset: int = 0,
) -> list[Campaign]:
    """Campaigns with ids up to `up_to`, newest first."""
    async with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        await cursor.execute(
            _LIST, {"channel": channel, "status": status, "up_to": up_to, "limit": limit, "offset": offset}
        )
        return await cursor.fetchall()
