"""Campaigns: what clients see of them, and the SQL behind it."""

from datetime import datetime
from typing import Annotated, Any, Final

from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel, Field, computed_field

from campaign_api.errors import ApiError, ErrorCode, campaign_not_found
from campaign_api.fields import Moment, Name, NotNull, RequestModel, TemplateText
from campaign_api.stored_audiences import StoredAudience, known_audience
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
    """A campaign as it is stored, also where another version wrote what this one does not know."""

    id: int
    name: str
    channel: Channel | str
    status: CampaignStatus | str
    base_template: str
    scheduled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    audience: StoredAudience = Field(default=None, examples=[{"all": True}], exclude_if=lambda stored: stored is None)
    failure_reason: str | None = Field(default=None, exclude_if=lambda reason: reason is None)
    """Why it failed as a whole; absent where its messages tell."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def warnings(self) -> list[str]:
        """What is odd about it: unknown placeholders, and what this version does not know."""
        return [
            *_of_the_template(self.base_template),
            *(problem.message for problem in self.problems() if problem.code is not ErrorCode.INVALID_TEMPLATE),
        ]

    def problems(self) -> list[ApiError]:
        """Why this version cannot send it."""
        found = []
        if self.status not in set(CampaignStatus):
            found.append(self._unknown(ErrorCode.INVALID_STATUS, f"the status {self.status:.40}"))
        if self.channel not in set(Channel):
            found.append(self._unknown(ErrorCode.INVALID_REQUEST, f"the channel {self.channel:.40}"))
        try:
            check_template(self.base_template)
        except ApiError as error:
            found.append(error)
        try:
            known_audience(self.audience)
        except ValueError:
            found.append(self._unknown(ErrorCode.INVALID_REQUEST, "an audience of a form"))
        return found

    def _unknown(self, code: ErrorCode, what: str) -> ApiError:
        return ApiError(code, f"Campaign {self.id} has {what} that this version does not know")


COLUMNS: Final = """
    id, name, channel, status, base_template,
    -- Python's calendar has an end, the database's may be infinite
    CASE WHEN scheduled_at IS NOT NULL
         THEN LEAST(GREATEST(scheduled_at, '0001-01-02 00:00Z'), '9999-12-30 00:00Z') END AS scheduled_at,
    created_at, updated_at, audience::text AS audience, failure_reason
"""

# Ids become visible in their order, so that a list read up to some id never grows within itself.
_LOCK_CREATION: Final = "SELECT pg_advisory_xact_lock('campaigns'::regclass::oid::bigint)"

# The database's clock decides, as it does for the dispatcher, which starts what is due.
_STATUS: Final = f"""
    CASE WHEN %(scheduled_at)s::timestamptz > now() THEN '{CampaignStatus.SCHEDULED}' ELSE '{CampaignStatus.DRAFT}' END
"""

_CREATE: Final = f"""
INSERT INTO campaigns (name, channel, status, base_template, scheduled_at, audience)
VALUES (%(name)s, %(channel)s, {_STATUS}, %(base_template)s, %(scheduled_at)s, %(audience)s)
RETURNING {COLUMNS}
"""

_GET: Final = f"SELECT {COLUMNS} FROM campaigns WHERE id = %(campaign_id)s"

_DELETE: Final = "DELETE FROM campaigns WHERE id = %(campaign_id)s AND status = ANY(%(editable)s)"

_LOCK: Final = f"{_GET} FOR NO KEY UPDATE"

_CHANGE: Final = f"""
UPDATE campaigns
   SET name = %(name)s, channel = %(channel)s, status = {_STATUS}, base_template = %(base_template)s,
       scheduled_at = %(scheduled_at)s, audience = %(audience)s, updated_at = now()
 WHERE id = %(campaign_id)s
RETURNING {COLUMNS}
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
    """Store a new campaign: `scheduled` where its time is still to come, otherwise a `draft`.

    Args:
        connection: Where a transaction is open.
        campaign: What to store.

    Raises:
        ApiError: INVALID_TEMPLATE.
    """
    check_template(campaign.base_template)
    await connection.execute(_LOCK_CREATION)
    return await _one(connection, _CREATE, {**campaign.model_dump(), "audience": _stored(campaign.audience)})


async def get_campaign(connection: Connection, campaign_id: int) -> Campaign:
    """One campaign.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND.
    """
    return await _one(connection, _GET, {"campaign_id": campaign_id})


async def change_campaign(connection: Connection, campaign_id: int, change: CampaignChange) -> Campaign:
    """Change a campaign that was not sent yet, in the caller's transaction.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND, INVALID_STATUS, INVALID_TEMPLATE; INVALID_REQUEST where another version wrote
            what this one does not know, and the change leaves it.
    """
    given = {name: getattr(change, name) for name in change.model_fields_set}
    if "base_template" in given:
        check_template(given["base_template"])
    campaign = await _one(connection, _LOCK, {"campaign_id": campaign_id})
    refuse_unless_editable(campaign)
    changed = campaign.model_copy(update=given)
    refuse_unless_known(changed)
    audience = known_audience(changed.audience)
    return await _one(
        connection,
        _CHANGE,
        {
            "campaign_id": campaign_id,
            "name": changed.name,
            "channel": changed.channel,
            "base_template": changed.base_template,
            "scheduled_at": changed.scheduled_at,
            "audience": _stored(audience),
        },
    )


async def delete_campaign(connection: Connection, campaign_id: int) -> None:
    """Delete a campaign that was not sent yet.

    Raises:
        ApiError: CAMPAIGN_NOT_FOUND, INVALID_STATUS.
    """
    deleted = await connection.execute(_DELETE, {"campaign_id": campaign_id, "editable": list(EDITABLE)})
    if deleted.rowcount == 0:
        refuse_unless_editable(await get_campaign(connection, campaign_id))


def refuse_unless_editable(campaign: Campaign) -> None:
    """Refuse what is only allowed before a campaign is sent.

    Raises:
        ApiError: INVALID_STATUS.
    """
    if campaign.status not in EDITABLE:
        raise ApiError(
            ErrorCode.INVALID_STATUS,
            f"Campaign {campaign.id} is {campaign.status}; this is only possible while it is draft or scheduled",
        )


def refuse_unless_known(campaign: Campaign) -> None:
    """Refuse to send or rewrite what another version wrote and this one does not know.

    Raises:
        ApiError: INVALID_TEMPLATE, INVALID_REQUEST.
    """
    for problem in campaign.problems():
        raise problem


def _of_the_template(text: str) -> list[str]:
    try:
        return [f"Unknown placeholder {{{name}}}" for name in parse_template(text).unknown]
    except TemplateError as error:
        return [f"The template does not parse in this version: {error}"]


def _stored(audience: Audience | None) -> Jsonb | None:
    return None if audience is None else Jsonb(audience.model_dump(exclude_none=True))


async def _one(connection: Connection, statement: str, parameters: dict[str, Any]) -> Campaign:
    async with connection.cursor(row_factory=class_row(Campaign)) as cursor:
        await cursor.execute(statement, parameters)
        campaign = await cursor.fetchone()
    if campaign is None:
        raise campaign_not_found(parameters["campaign_id"])
    return campaign
