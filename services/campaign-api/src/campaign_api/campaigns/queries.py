"""The SQL of campaigns: create, read, change, delete."""

from typing import Any, Final

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from campaign_api.audiences.problems import answering_audience_problems
from campaign_api.campaigns.schemas import Campaign, CampaignChange, NewCampaign
from campaign_api.campaigns.stored_audiences import known_audience
from campaign_api.campaigns.templates import check_template
from campaign_api.web.errors import ApiError, ErrorCode, campaign_not_found
from leopard.audiences.model import Audience
from leopard.audiences.selection import select_audience
from leopard.db.pool import Connection
from leopard.domain.formats import EQUAL_FIELDS_FORMAT
from leopard.domain.statuses import EDITABLE, CampaignStatus

COLUMNS: Final = """
    id, name, channel, status, base_template,
    -- Python's calendar has an end, the database's may be infinite
    CASE WHEN scheduled_at IS NOT NULL
         THEN LEAST(GREATEST(scheduled_at, '0001-01-02 00:00Z'), '9999-12-30 00:00Z') END AS scheduled_at,
    created_at, updated_at, audience::text AS audience, failure_reason
"""

# Ids become visible in order, so that a list up to an id never gets new rows.
_LOCK_CREATION: Final = "SELECT pg_advisory_xact_lock('campaigns'::regclass::oid::bigint)"

# The database's clock decides, as it does for the dispatcher, which starts due campaigns.
_STATUS: Final = f"""
    CASE WHEN %(scheduled_at)s::timestamptz > now() THEN '{CampaignStatus.SCHEDULED}' ELSE '{CampaignStatus.DRAFT}' END
"""

_CREATE: Final = f"""
INSERT INTO campaigns (name, channel, status, base_template, scheduled_at, audience, format)
VALUES (%(name)s, %(channel)s, {_STATUS}, %(base_template)s, %(scheduled_at)s, %(audience)s, %(format)s)
RETURNING {COLUMNS}
"""

_GET: Final = f"SELECT {COLUMNS} FROM campaigns WHERE id = %(campaign_id)s"

_DELETE: Final = "DELETE FROM campaigns WHERE id = %(campaign_id)s AND status = ANY(%(editable)s)"

_LOCK: Final = f"{_GET} FOR NO KEY UPDATE"

_CHANGE: Final = f"""
UPDATE campaigns
   SET name = %(name)s, channel = %(channel)s, status = {_STATUS}, base_template = %(base_template)s,
       scheduled_at = %(scheduled_at)s, audience = %(audience)s, format = GREATEST(format, %(format)s),
       updated_at = now()
 WHERE id = %(campaign_id)s
RETURNING {COLUMNS}
"""


async def create_campaign(connection: Connection, campaign: NewCampaign) -> Campaign:
    """Store a new campaign: `scheduled` if its time is in the future, otherwise a `draft`.

    Args:
        connection: Where a transaction is open.
        campaign: What to store.

    Raises:
        ApiError: INVALID_TEMPLATE; INVALID_REQUEST or SEGMENT_NOT_FOUND where its audience cannot be selected.
    """
    check_template(campaign.base_template)
    await connection.execute(_LOCK_CREATION)
    await _check_audience(connection, campaign.audience)
    return await _one(connection, _CREATE, {**campaign.model_dump(), **_audience(campaign.audience)})


async def get_campaign(connection: Connection, campaign_id: int) -> Campaign:
    """One campaign.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND.
    """
    return await _one(connection, _GET, {"campaign_id": campaign_id})


async def change_campaign(connection: Connection, campaign_id: int, change: CampaignChange) -> Campaign:
    """Change a campaign before it is sent, in the caller's transaction.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND, INVALID_STATUS, INVALID_TEMPLATE; INVALID_REQUEST or SEGMENT_NOT_FOUND where the
            new audience cannot be selected, or another version wrote what this one does not know and the change
            leaves it.
    """
    given = {name: getattr(change, name) for name in change.model_fields_set}
    if "base_template" in given:
        check_template(given["base_template"])
    campaign = await _one(connection, _LOCK, {"campaign_id": campaign_id})
    refuse_unless_editable(campaign)
    changed = campaign.model_copy(update=given)
    refuse_unless_known(changed)
    audience = known_audience(changed.audience)
    if "audience" in given:
        await _check_audience(connection, audience)
    return await _one(
        connection,
        _CHANGE,
        {
            "campaign_id": campaign_id,
            "name": changed.name,
            "channel": changed.channel,
            "base_template": changed.base_template,
            "scheduled_at": changed.scheduled_at,
            **_audience(audience),
        },
    )


async def delete_campaign(connection: Connection, campaign_id: int) -> None:
    """Delete a campaign before it is sent.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND, INVALID_STATUS.
    """
    deleted = await connection.execute(_DELETE, {"campaign_id": campaign_id, "editable": list(EDITABLE)})
    if deleted.rowcount == 0:
        refuse_unless_editable(await get_campaign(connection, campaign_id))


def refuse_unless_editable(campaign: Campaign) -> None:
    """Refuse a change of a campaign that was sent.

    Raises:
        ApiError: INVALID_STATUS.
    """
    if campaign.status not in EDITABLE:
        raise ApiError(
            ErrorCode.INVALID_STATUS,
            f"Campaign {campaign.id} is {campaign.status}; this is only possible while it is draft or scheduled",
        )


def refuse_unless_known(campaign: Campaign) -> None:
    """Refuse to send or change a campaign that another version wrote and this version does not know.

    Raises:
        ApiError: INVALID_TEMPLATE, INVALID_REQUEST.
    """
    for problem in campaign.problems():
        raise problem


def _audience(audience: Audience | None) -> dict[str, Any]:
    if audience is None:
        return {"audience": None, "format": EQUAL_FIELDS_FORMAT}
    return {"audience": Jsonb(audience.stored()), "format": audience.campaign_format}


async def _check_audience(connection: Connection, audience: Audience | None) -> None:
    if audience is not None:
        with answering_audience_problems():
            await select_audience(connection, audience)


async def _one(connection: Connection, statement: str, parameters: dict[str, Any]) -> Campaign:
    async with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        await cursor.execute(statement, parameters)
        campaign = await cursor.fetchone()
    if campaign is None:
        raise campaign_not_found(parameters["campaign_id"])
    return campaign
