"""Tables of campaigns, their recipients and counts, and of requests that may be repeated. Runs no SQL."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ARRAY, BigInteger, Double, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Column, Field, SQLModel

from leopard.db.tables.columns import new_id, now, one_of
from leopard.domain.statuses import CampaignStatus, Channel


class Campaign(SQLModel, table=True):
    """A template that is sent to an audience."""

    __tablename__: ClassVar[Any] = "campaigns"
    __table_args__ = (
        one_of("channel", Channel, "campaigns_channel_check"),
        one_of("status", CampaignStatus, "campaigns_status_check"),
        Index("idx_campaigns_status", "status"),
        Index("idx_campaigns_created_at", text("created_at DESC")),
        Index("idx_campaigns_channel", "channel"),
    )

    id: int = new_id()
    name: str = Field(sa_column=Column(Text, nullable=False))
    channel: Channel = Field(sa_column=Column(Text, nullable=False))
    status: CampaignStatus = Field(sa_column=Column(Text, nullable=False, server_default=text("'draft'")))
    base_template: str = Field(sa_column=Column(Text, nullable=False))
    scheduled_at: datetime | None = now(nullable=True)
    created_at: datetime = now()
    updated_at: datetime = now()
    audience: dict[str, Any] | None = Field(sa_column=Column(JSONB))
    """The audience in JSON (`leopard.audiences.model`); null if the send named its customers."""
    audience_last_id: int | None = Field(sa_column=Column(BigInteger))
    """The highest customer id of the audience at the send."""
    audience_planned_to: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    """Recipients up to this id have message rows. At `audience_last_id` planning is complete."""
    audience_unplanned: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    """The number of recipients without a row, by the count at the send. A part of the campaign's total."""
    served_at: datetime | None = now(nullable=True)
    """When a dispatcher last claimed a chunk of it. The campaign served longest ago is next."""
    traceparent: str | None = Field(sa_column=Column(Text))
    """The W3C trace context of the request that sent it."""
    failure_reason: str | None = Field(sa_column=Column(Text))
    """Why the campaign failed as a whole; null if it did not, or if only its messages failed."""
    format: int = Field(sa_column=Column(SmallInteger, nullable=False, server_default=text("1")))
    """The campaign's format (`leopard.domain.formats`). Processes that do not know it ignore the campaign."""
    personalization: dict[str, Any] | None = Field(sa_column=Column(JSONB))
    """Languages, variants and content (`leopard.personalization.model`); null for plain placeholders only."""
    version: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("1")))
    """Counts the changes of its texts. A trigger writes it."""
    variant_bounds: list[float] | None = Field(sa_column=Column(ARRAY(Double)))
    """Where the share of each variant begins; null if there are none."""
    holdout_share: float = Field(sa_column=Column(Double, nullable=False, server_default=text("0")))
    """The share of the recipients that gets no message, from 0 to 1."""


class AudienceRecipients(SQLModel, table=True):
    """A part of the recipients that a send has stored, in the order of their ids. Planning deletes it afterwards."""

    __tablename__: ClassVar[Any] = "audience_recipients"

    campaign_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    last_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    """The highest of the ids."""
    customer_ids: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))


class PostponedRecipient(SQLModel, table=True):
    """A recipient whose customer row was locked during planning. Gets a message row later."""

    __tablename__: ClassVar[Any] = "postponed_recipients"

    campaign_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    customer_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


class CampaignCount(SQLModel, table=True):
    """A shard of a campaign's counts, so that workers do not wait for one row. The sum is the real count."""

    __tablename__: ClassVar[Any] = "campaign_counts"

    campaign_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    shard: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    total: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    sent: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    failed: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    cancelled: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    retries: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    unknown_outcomes: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    held_out: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    """Customers that got no message because they are in the hold-out."""


class IdempotencyKey(SQLModel, table=True):
    """A request with an idempotency key, and the response that a repeated request gets."""

    __tablename__: ClassVar[Any] = "idempotency_keys"
    __table_args__ = (Index("idx_idempotency_keys_created_at", "created_at"),)

    key: str = Field(sa_column=Column(Text, primary_key=True))
    endpoint: str = Field(sa_column=Column(Text, primary_key=True))
    request_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer: dict[str, Any] | None = Field(sa_column=Column(JSONB))
    created_at: datetime = now()
