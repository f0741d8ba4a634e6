"""The tables, as SQLModel: what the migrations must amount to (`alembic check` holds the two together).

SQL that reads or writes a table stands with its subject in the services; it goes through psycopg.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
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
    failure_reason: str | None = Field(sa_column=Column(Text))
    """Why the campaign failed as a whole; null where its messages tell."""
    format: int = Field(sa_column=Column(SmallInteger, nullable=False, server_default=text("1")))
    """What a process must know to plan and send it (`leopard.domain.formats`); one that does not leaves it alone."""


class PostponedRecipient(SQLModel, table=True):
    """A recipient whose customer row was locked when the chunk was planned; gets a message later."""

    __tablename__: ClassVar[Any] = "postponed_recipients"

    campaign_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    customer_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


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
    published_at: datetime | None = _now(nullable=True)
    """When the claim began under which its jobs were published."""


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


class Installation(SQLModel, table=True):
    """The one row that tells this installation from every other, and from a copy of its database made by hand."""

    __tablename__: ClassVar[Any] = "installation"
    __table_args__ = (CheckConstraint("one", name="installation_one_check"),)

    one: bool = Field(sa_column=Column(Boolean, primary_key=True, server_default=text("true")))
    id: UUID = Field(sa_column=Column(Uuid, nullable=False, server_default=text("gen_random_uuid()")))


class ProviderState(SQLModel, table=True):
    """What all workers know of a provider: whether it is held, why, and how fast it may be asked."""

    __tablename__: ClassVar[Any] = "provider_states"

    provider: str = Field(sa_column=Column(Text, primary_key=True))
    channels: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    """The channels whose messages it carries."""
    held_since: datetime | None = _now(nullable=True)
    held_until: datetime | None = _now(nullable=True)
    """No message is sent until then, and one at a time afterwards; null: the provider is not held."""
    reason: str | None = Field(sa_column=Column(Text))
    """Why it is held."""
    holds_in_a_row: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    """Holds without a message that got through in between."""
    probe_until: datetime | None = _now(nullable=True)
    """A worker sends the one message that probes it; passes by itself."""
    rate_per_second: float | None = Field(sa_column=Column(Double))
    """Messages that all workers together may send each second; null: as many as they can."""
    rate_threshold: float | None = Field(sa_column=Column(Double))
    """Above this rate the provider has throttled; from here the rate grows slowly."""
    tokens: float = Field(sa_column=Column(Double, nullable=False, server_default=text("0")))
    """Messages that may be sent at once."""
    tokens_at: datetime = _now()
    updated_at: datetime = _now()


class QueueProgress(SQLModel, table=True):
    """How far a queue has been delivered: jobs published up to then are with a worker, done, or lost."""

    __tablename__: ClassVar[Any] = "queue_progress"

    queue: str = Field(sa_column=Column(Text, primary_key=True))
    delivered_up_to: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
