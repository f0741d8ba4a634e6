"""The tables, as SQLModel: what the migrations must amount to (`alembic check` holds the two together).

SQL that reads or writes a table stands with its subject in the services; it goes through psycopg.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Column, Field, SQLModel

from leopard.domain.statuses import CampaignStatus, Channel, MessageStatus


def _now(*, nullable: bool = False) -> Any:  # noqa: ANN401 what SQLModel takes as a column's default field
    return Field(
        sa_column=Column(DateTime(timezone=True), nullable=nullable, server_default=None if nullable else text("now()"))
    )


def _id() -> Any:  # noqa: ANN401
    return Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))


def _one_of(column: str, values: type[Channel | CampaignStatus | MessageStatus], name: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


class Customer(SQLModel, table=True):
    """Somebody who can be written to."""

    __tablename__: ClassVar[Any] = "customers"
    __table_args__ = (UniqueConstraint("phone", name="customers_phone_key"),)

    id: int = _id()
    phone: str = Field(sa_column=Column(Text, nullable=False))
    first_name: str | None = Field(sa_column=Column(Text))
    last_name: str | None = Field(sa_column=Column(Text))
    location: str | None = Field(sa_column=Column(Text))
    preferred_product: str | None = Field(sa_column=Column(Text))
    created_at: datetime = _now()
    updated_at: datetime = _now()


class Campaign(SQLModel, table=True):
    """One template on its way to an audience."""

    __tablename__: ClassVar[Any] = "campaigns"
    __table_args__ = (
        _one_of("channel", Channel, "campaigns_channel_check"),
        _one_of("status", CampaignStatus, "campaigns_status_check"),
        Index("idx_campaigns_status", "status"),
        Index("idx_campaigns_created_at", text("created_at DESC")),
        Index("idx_campaigns_channel", "channel"),
    )

    id: int = _id()
    name: str = Field(sa_column=Column(Text, nullable=False))
    channel: Channel = Field(sa_column=Column(Text, nullable=False))
    status: CampaignStatus = Field(sa_column=Column(Text, nullable=False, server_default=text("'draft'")))
    base_template: str = Field(sa_column=Column(Text, nullable=False))
    scheduled_at: datetime | None = _now(nullable=True)
    created_at: datetime = _now()
    updated_at: datetime = _now()
    audience: dict[str, Any] | None = Field(sa_column=Column(JSONB))
    """Whom a send goes to: `{"all": true}` or `{"filter": {...}}`; null when the send named its customers."""
    audience_last_id: int | None = Field(sa_column=Column(BigInteger))
    """The highest customer id at the moment of the send; who comes later is not written to."""
    audience_planned_to: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    """Customers up to this id have their rows; once it reaches `audience_last_id` the fan-out is complete."""
    audience_unplanned: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    """How many of the audience have no row yet, as counted at the send; part of the campaign's total."""
    served_at: datetime | None = _now(nullable=True)
    """When a dispatcher last took a chunk of it; the one served longest ago is next."""
    traceparent: str | None = Field(sa_column=Column(Text))
    """The W3C trace context of the request that sent it."""


class Chunk(SQLModel, table=True):
    """A range of a campaign's customers whose messages are not all finished; the row goes when they are."""

    __tablename__: ClassVar[Any] = "campaign_chunks"
    __table_args__ = (
        Index("idx_campaign_chunks_campaign_id", "campaign_id"),
        Index("idx_campaign_chunks_check_at", "check_at"),
    )

    id: int = _id()
    campaign_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), nullable=False)
    )
    first_customer_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    last_customer_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    claimed_until: datetime | None = _now(nullable=True)
    """A dispatcher has it until then; passes by itself."""
    check_at: datetime | None = _now(nullable=True)
    """Its jobs are published, and this is when to see whether they are done; null: they are still to be published."""


class OutboundMessage(SQLModel, table=True):
    """One message to one customer."""

    __tablename__: ClassVar[Any] = "outbound_messages"
    __table_args__ = (
        _one_of("status", MessageStatus, "outbound_messages_status_check"),
        UniqueConstraint("campaign_id", "customer_id", name="outbound_messages_campaign_id_customer_id_key"),
        Index("idx_outbound_messages_customer_id", "customer_id"),
        Index(
            "idx_outbound_messages_next_attempt_at",
            "next_attempt_at",
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
    )

    id: int = _id()
    campaign_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), nullable=False)
    )
    customer_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("customers.id", ondelete="CASCADE"), nullable=False)
    )
    status: MessageStatus = Field(sa_column=Column(Text, nullable=False, server_default=text("'pending'")))
    rendered_content: str | None = Field(sa_column=Column(Text))
    last_error: str | None = Field(sa_column=Column(Text))
    retry_count: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    created_at: datetime = _now()
    updated_at: datetime = _now()
    claimed_until: datetime | None = _now(nullable=True)
    """A worker has it until then. Also the claim's token: only the claim that set it may record a result."""
    next_attempt_at: datetime | None = _now(nullable=True)
    """When it may be tried again; null when nothing has to be waited for."""


class CampaignCount(SQLModel, table=True):
    """A share of a campaign's counts, so that many workers do not queue for one row; the sum is the truth."""

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


class IdempotencyKey(SQLModel, table=True):
    """A request that was made under a key, and the answer that the same request gets again."""

    __tablename__: ClassVar[Any] = "idempotency_keys"
    __table_args__ = (Index("idx_idempotency_keys_created_at", "created_at"),)

    key: str = Field(sa_column=Column(Text, primary_key=True))
    endpoint: str = Field(sa_column=Column(Text, primary_key=True))
    request_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer: dict[str, Any] | None = Field(sa_column=Column(JSONB))
    created_at: datetime = _now()
