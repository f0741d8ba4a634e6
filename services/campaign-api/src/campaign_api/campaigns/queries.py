"""The SQL of campaigns: create, read, change, delete."""

from typing import Any, Final

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from campaign_api.audiences.problems import answering_audience_problems
from campaign_api.campaigns.content import refuse_unless_possible
from campaign_api.campaigns.requests import CampaignChange, NewCampaign
from campaign_api.campaigns.schemas import Campaign
from campaign_api.campaigns.stored_audiences import known_audience
from campaign_api.campaigns.templates import AcceptedTexts, accept_texts
from campaign_api.web.errors import ApiError, ErrorCode, campaign_not_found
from leopard.audiences.model import Audience
from leopard.audiences.selection import select_audience
from leopard.db.pool import Connection
from leopard.domain.formats import EQUAL_FIELDS_FORMAT, PERSONALIZED_FORMAT
from leopard.domain.statuses import EDITABLE, CampaignStatus

COLUMNS: Final = """
    id, name, channel, status, base_template,
    -- Python's calendar has an end, the database's may be infinite
    CASE WHEN scheduled_at IS NOT NULL
         THEN LEAST(GREATEST(scheduled_at, '0001-01-02 00:00Z'), '9999-12-30 00:00Z') END AS scheduled_at,
    created_at, updated_at, audience::text AS audience, failure_reason, format,
    -- 0.07 * 100 is not 7; numeric has the 15 digits that both have in common
    (holdout_share * 100)::numeric::float8 AS holdout_percent,
    (personalization -> 'templates')::text AS templates, (personalization -> 'variants')::text AS variants,
    (personalization -> 'content')::text AS content, personalization::text AS personalization
"""

# Ids become visible in order, so that a list up to an id never gets new rows.
_LOCK_CREATION: Final = "SELECT pg_advisory_xact_lock('campaigns'::regclass::oid::bigint)"

# The database's clock decides, as it does for the dispatcher, which starts due campaigns.
_STATUS: Final = f"""
    CASE WHEN %(scheduled_at)s::timestamptz > now() THEN '{CampaignStatus.SCHEDULED}' ELSE '{CampaignStatus.DRAFT}' END
"""

_CREATE: Final = f"""
INSERT INTO campaigns (name, channel, status, base_template, personalization, variant_bounds, holdout_share,
                       scheduled_at, audience, format)
VALUES (%(name)s, %(channel)s, {_STATUS}, %(base_template)s, %(personalization)s, %(variant_bounds)s,
        %(holdout_share)s, %(scheduled_at)s, %(audience)s, %(format)s)
RETURNING {COLUMNS}
"""

_GET: Final = f"SELECT {COLUMNS} FROM campaigns WHERE id = %(campaign_id)s"

_DELETE: Final = "DELETE FROM campaigns WHERE id = %(campaign_id)s AND status = ANY(%(editable)s)"

_LOCK: Final = f"{_GET} FOR NO KEY UPDATE"

_CHANGE: Final = f"""
UPDATE campaigns
   SET name = %(name)s, channel = %(channel)s, status = {_STATUS},
       scheduled_at = %(scheduled_at)s, audience = %(audience)s, format = GREATEST(format, %(format)s),
       holdout_share = %(holdout_share)s, updated_at = now()
 WHERE id = %(campaign_id)s
RETURNING {COLUMNS}
"""


_CHANGE_TEXTS: Final = """
UPDATE campaigns
   SET base_template = %(base_template)s, personalization = %(personalization)s, variant_bounds = %(variant_bounds)s
 WHERE id = %(campaign_id)s
"""

_TEXTS: Final = {"base_template", "templates", "variants", "content"}

_REMOVED: Final[dict[str, Any]] = {"templates": {}, "variants": [], "holdout_percent": 0}
"""What null means in a change."""


async def create_campaign(connection: Connection, campaign: NewCampaign) -> Campaign:
    """Store a new campaign: `scheduled` if its time is in the future, otherwise a `draft`.

    Args:
        connection: Where a transaction is open.
        campaign: What to store.

    Raises:
        ApiError: INVALID_TEMPLATE; INVALID_REQUEST or SEGMENT_NOT_FOUND where its audience cannot be selected.
    """
    accepted = await accept_texts(connection, campaign.texts)
    refuse_unless_possible(campaign.channel, campaign.texts.content)
    await connection.execute(_LOCK_CREATION)
    await _check_audience(connection, campaign.audience)
    return await _one(
        connection,
        _CREATE,
        {
            "name": campaign.name,
            "channel": campaign.channel,
            "scheduled_at": campaign.scheduled_at,
            "holdout_share": campaign.holdout_percent / 100,
            "audience": _stored_audience(campaign.audience),
            "format": _format(
                campaign.audience,
                personalized=accepted.personalization is not None or campaign.holdout_percent > 0,
            ),
            **_stored_texts(accepted),
        },
    )


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
    given = change.given()
    given |= {name: value for name, value in _REMOVED.items() if name in given and given[name] is None}
    campaign = await _one(connection, _LOCK, {"campaign_id": campaign_id})
    refuse_unless_editable(campaign)
    changed = campaign.model_copy(update=given)
    if _TEXTS & given.keys():
        accepted = await accept_texts(connection, changed.texts())
        await connection.execute(_CHANGE_TEXTS, {"campaign_id": campaign_id, **_stored_texts(accepted)})
        changed = changed.with_texts(accepted)
    refuse_unless_known(changed)
    refuse_unless_possible(changed.channel, changed.content)
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
            "scheduled_at": changed.scheduled_at,
            "holdout_share": changed.holdout_percent / 100,
            "audience": _stored_audience(audience),
            "format": _format(
                audience, personalized=changed.personalization is not None or changed.holdout_percent > 0
            ),
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


def _stored_audience(audience: Audience | None) -> Jsonb | None:
    return None if audience is None else Jsonb(audience.stored())


def _stored_texts(accepted: AcceptedTexts) -> dict[str, Any]:
    personalization = accepted.personalization
    return {
        "base_template": accepted.base_template,
        "personalization": None if personalization is None else Jsonb(personalization.stored()),
        "variant_bounds": accepted.variant_bounds,
    }


def _format(audience: Audience | None, *, personalized: bool) -> int:
    """The lowest format of a campaign."""
    if personalized:
        return PERSONALIZED_FORMAT
    return EQUAL_FIELDS_FORMAT if audience is None else audience.campaign_format


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
