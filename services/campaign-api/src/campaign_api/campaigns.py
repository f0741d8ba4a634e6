"""Campaigns: what clients see of them, and the SQL behind it."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, computed_field, model_serializer

from campaign_api.errors import ApiError, ErrorCode, campaign_not_found
from campaign_api.fields import Moment, Name, NotNull, RequestModel, TemplateText
from leopard.audiences import Audience
from leopard.db.pool import Connection
from leopard.domain.statuses import EDITABLE, CampaignStatus, Channel
from leopard.domain.templates import TemplateError, parse_template

_TEMPLATE_EXAMPLE: Final = "Hi {first_name}, check out {preferred_product} in {location}!"


class NewCampaign(RequestModel):
    """A campaign to be created."""

    name: Name = Field(examples=["Summer sale"])
    channel: Channel = Field(examples=[Channel.SMS])
    base_template: TemplateText = Field(examples=[_TEMPLATE_EXAMPLE])
    scheduled_at: Moment | None = Field(default=None, examples=[None])
    audience: Audience | None = Field(default=None, examples=[None])


class CampaignChange(RequestModel):
    """What may be changed of a campaign that was not sent yet; what is not given stays."""

    name: Annotated[Name | None, NotNull] = Field(default=None, examples=["Summer sale, second try"])
    channel: Annotated[Channel | None, NotNull] = Field(default=None, examples=[Channel.SMS])
    base_template: Annotated[TemplateText | None, NotNull] = Field(default=None, examples=[_TEMPLATE_EXAMPLE])
    scheduled_at: Moment | None = Field(default=None, examples=["2030-01-31T09:00:00Z"])
    audience: Audience | None = Field(default=None, examples=[{"all": True}])


class Campaign(BaseModel):
    """A campaign."""

    id: int
    name: str
    channel: Channel
    status: CampaignStatus
    base_template: str
    scheduled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    audience: Audience | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def warnings(self) -> list[str]:
        """What is odd about the template, though it can be sent."""
        return [f"Unknown placeholder {{{name}}}" for name in parse_template(self.base_template).unknown]

    @model_serializer(mode="wrap")
    def _without_absent_audience(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        body: dict[str, Any] = serialize(self)
        if self.audience is None:
            del body["audience"]
        else:
            body["audience"] = self.audience.model_dump(exclude_none=True)
        return body


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


class CampaignWithStats(Campaign):
    """A campaign and how far its messages are."""

    stats: Stats


_COLUMNS: Final = "id, name, channel, status, base_template, scheduled_at, created_at, updated_at, audience"

# Ids become visible in their order, so that a list read up to some id never grows within itself.
_LOCK_CREATION: Final = "SELECT pg_advisory_xact_lock('campaigns'::regclass::oid::bigint)"

_CREATE: Final = f"""
INSERT INTO campaigns (name, channel, status, base_template, scheduled_at, audience)
VALUES (%(name)s, %(channel)s, %(status)s, %(base_template)s, %(scheduled_at)s, %(audience)s)
RETURNING {_COLUMNS}
"""

_GET: Final = f"SELECT {_COLUMNS} FROM campaigns WHERE id = %(campaign_id)s"

_STATS: Final = """
SELECT expected.total - counts.cancelled AS total,
       expected.total - counts.cancelled - counts.sent - counts.failed AS pending,
       counts.sent, counts.failed, counts.cancelled, counts.retries, counts.unknown_outcomes
  FROM campaigns
 CROSS JOIN LATERAL (
       SELECT COALESCE(sum(total), 0)::bigint AS total, COALESCE(sum(sent), 0)::bigint AS sent,
              COALESCE(sum(failed), 0)::bigint AS failed, COALESCE(sum(cancelled), 0)::bigint AS cancelled,
              COALESCE(sum(retries), 0)::bigint AS retries,
              COALESCE(sum(unknown_outcomes), 0)::bigint AS unknown_outcomes
         FROM campaign_counts
        WHERE campaign_id = campaigns.id
       ) AS counts
 CROSS JOIN LATERAL (SELECT counts.total + campaigns.audience_unplanned AS total) AS expected
 WHERE campaigns.id = %(campaign_id)s
"""

_SELECTED: Final = """
    (%(channel)s::text IS NULL OR channel = %(channel)s) AND (%(status)s::text IS NULL OR status = %(status)s)
"""

_COUNT: Final = f"""
SELECT count(*), COALESCE(max(id), 0)
  FROM campaigns
 WHERE {_SELECTED} AND (%(as_of)s::bigint IS NULL OR id <= %(as_of)s)
"""

_LIST: Final = f"""
SELECT {_COLUMNS}
  FROM campaigns
 WHERE {_SELECTED} AND id <= %(up_to)s
 ORDER BY id DESC
 LIMIT %(limit)s OFFSET %(offset)s
"""

_DELETE: Final = "DELETE FROM campaigns WHERE id = %(campaign_id)s AND status = ANY(%(editable)s)"

_LOCK: Final = f"{_GET} FOR UPDATE"

_CHANGE: Final = f"""
UPDATE campaigns
   SET name = %(name)s, channel = %(channel)s, status = %(status)s, base_template = %(base_template)s,
       scheduled_at = %(scheduled_at)s, audience = %(audience)s, updated_at = now()
 WHERE id = %(campaign_id)s
RETURNING {_COLUMNS}
"""


def check_template(text: str) -> None:
    """Refuse a template that cannot be rendered.

    Raises:
        ApiError: INVALID_TEMPLATE, and where it goes wrong.
    """
    try:
        parse_template(text)
    except TemplateError as error:
        raise ApiError(ErrorCode.INVALID_TEMPLATE, f"The template does not parse: {error}") from None


async def create_campaign(connection: Connection, campaign: NewCampaign) -> Campaign:
    """Store a new campaign: `scheduled` where its time is still to come, otherwise a `draft`."""
    check_template(campaign.base_template)
    async with connection.transaction():
        await connection.execute(_LOCK_CREATION)
        return await _one(connection, _CREATE, _stored(campaign.model_dump(), campaign.audience))


async def get_campaign(connection: Connection, campaign_id: int) -> Campaign:
    """One campaign.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND.
    """
    return await _one(connection, _GET, {"campaign_id": campaign_id})


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
    return CampaignWithStats(**dict(campaign), stats=stats)


async def count_campaigns(
    connection: Connection, channel: Channel | None, status: CampaignStatus | None, as_of: int | None
) -> tuple[int, int]:
    """How many campaigns are listed, and the newest id among them."""
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


async def change_campaign(connection: Connection, campaign_id: int, change: CampaignChange) -> Campaign:
    """Change a campaign that was not sent yet.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND, INVALID_STATUS, INVALID_TEMPLATE.
    """
    given = change.model_dump(exclude_unset=True)
    if "base_template" in given:
        check_template(given["base_template"])
    async with connection.transaction():
        campaign = await _one(connection, _LOCK, {"campaign_id": campaign_id})
        refuse_unless_editable(campaign.id, campaign.status)
        audience = change.audience if "audience" in given else campaign.audience
        return await _one(
            connection, _CHANGE, {"campaign_id": campaign_id, **_stored({**dict(campaign), **given}, audience)}
        )


async def delete_campaign(connection: Connection, campaign_id: int) -> None:
    """Delete a campaign that was not sent yet.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND, INVALID_STATUS.
    """
    deleted = await connection.execute(_DELETE, {"campaign_id": campaign_id, "editable": list(EDITABLE)})
    if deleted.rowcount == 0:
        campaign = await get_campaign(connection, campaign_id)
        refuse_unless_editable(campaign.id, campaign.status)


def refuse_unless_editable(campaign_id: int, status: CampaignStatus) -> None:
    """Refuse what is only allowed before a campaign is sent.

    Raises:
        ApiError: INVALID_STATUS.
    """
    if status not in EDITABLE:
        raise ApiError(
            ErrorCode.INVALID_STATUS,
            f"Campaign {campaign_id} is {status}; this is only possible while it is draft or scheduled",
        )


def _stored(campaign: dict[str, Any], audience: Audience | None) -> dict[str, Any]:
    scheduled_at = campaign["scheduled_at"]
    ahead = scheduled_at is not None and scheduled_at > datetime.now(UTC)
    return {
        "name": campaign["name"],
        "channel": campaign["channel"],
        "base_template": campaign["base_template"],
        "scheduled_at": scheduled_at,
        "status": CampaignStatus.SCHEDULED if ahead else CampaignStatus.DRAFT,
        "audience": None if audience is None else Jsonb(audience.model_dump(exclude_none=True)),
    }


async def _one(connection: Connection, statement: str, parameters: dict[str, Any]) -> Campaign:
    async with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        await cursor.execute(statement, parameters)
        campaign = await cursor.fetchone()
    if campaign is None:
        raise campaign_not_found(parameters["campaign_id"])
    return campaign
