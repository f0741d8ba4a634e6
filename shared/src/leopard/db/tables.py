"""The tables as SQLModel classes. `alembic check` verifies that the migrations produce them. Runs no SQL.

SQL that reads or writes a table is in the module of its subject, and runs through psycopg.
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


def _now(*, nullable: bool = False) -> Any:  # noqa: ANN401 SQLModel's fields have any type
    return Field(
        sa_column=Column(DateTime(timezone=True), nullable=nullable, server_default=None if nullable else text("now()"))
    )


def _id() -> Any:  # noqa: ANN401
    return Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))


def _one_of(column: str, values: type[Channel | CampaignStatus | MessageStatus], name: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


class Customer(SQLModel, table=True):
    """A person who can get messages."""

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
    """A template that is sent to an audience."""

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
    """The audience: `{"all": true}` or `{"filter": {...}}`; null if the send named its customers."""
    audience_last_id: int | None = Field(sa_column=Column(BigInteger))
    """The highest customer id at the time of the send. Later customers get no message."""
    audience_planned_to: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    """Customers up to this id have message rows. At `audience_last_id` planning is complete."""
    audience_unplanned: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    """The number of recipients without a row, by the count at the send. A part of the campaign's total."""
    served_at: datetime | None = _now(nullable=True)
    """When a dispatcher last claimed a chunk of it. The campaign served longest ago is next."""
    traceparent: str | None = Field(sa_column=Column(Text))
    """The W3C trace context of the request that sent it."""
    failure_reason: str | None = Field(sa_column=Column(Text))
    """Why the campaign failed as a whole; null if it did not, or if only its messages failed."""
    format: int = Field(sa_column=Column(SmallInteger, nullable=False, server_default=text("1")))
    """The campaign's format (`leopard.domain.formats`). Processes that do not know it ignore the campaign."""


class PostponedRecipient(SQLModel, table=True):
    """A recipient whose customer row was locked during planning. Gets a message row later."""

    __tablename__: ClassVar[Any] = "postponed_recipients"

    campaign_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    customer_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


class Chunk(SQLModel, table=True):
    """A range of a campaign's customers with unfinished messages. Deleted when all are finished."""

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
    """A dispatcher holds it until then. The claim ends by itself."""
    check_at: datetime | None = _now(nullable=True)
    """When to check whether the published jobs are done; null while its jobs are not published."""
    published_at: datetime | None = _now(nullable=True)
    """When the dispatcher that published its jobs had claimed it."""


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
    """A worker holds it until then. Also the token of the claim: only that claim may record a result."""
    next_attempt_at: datetime | None = _now(nullable=True)
    """When the message may be tried again; null if it does not have to wait."""


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


class IdempotencyKey(SQLModel, table=True):
    """A request with an idempotency key, and the response that a repeated request gets."""

    __tablename__: ClassVar[Any] = "idempotency_keys"
    __table_args__ = (Index("idx_idempotency_keys_created_at", "created_at"),)

    key: str = Field(sa_column=Column(Text, primary_key=True))
    endpoint: str = Field(sa_column=Column(Text, primary_key=True))
    request_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    answer: dict[str, Any] | None = Field(sa_column=Column(JSONB))
    created_at: datetime = _now()


class Installation(SQLModel, table=True):
    """The only row holds the unique id of this installation."""

    __tablename__: ClassVar[Any] = "installation"
    __table_args__ = (CheckConstraint("one", name="installation_one_check"),)

    one: bool = Field(sa_column=Column(Boolean, primary_key=True, server_default=text("true")))
    id: UUID = Field(sa_column=Column(Uuid, nullable=False, server_default=text("gen_random_uuid()")))


class ProviderState(SQLModel, table=True):
    """The state of a provider, shared by all workers: whether it is held, why, and the allowed rate."""

    __tablename__: ClassVar[Any] = "provider_states"

    provider: str = Field(sa_column=Column(Text, primary_key=True))
    channels: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    """The channels that it sends."""
    held_since: datetime | None = _now(nullable=True)
    held_until: datetime | None = _now(nullable=True)
    """No message is sent until then. Afterwards one message at a time probes it. Null: not held."""
    reason: str | None = Field(sa_column=Column(Text))
    """Why it is held."""
    holds_in_a_row: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    """Consecutive holds without a successful message in between."""
    probe_until: datetime | None = _now(nullable=True)
    """A worker may send a probe until then. The right to probe ends by itself."""
    rate_per_second: float | None = Field(sa_column=Column(Double))
    """Messages per second for all workers together; null: no limit."""
    rate_threshold: float | None = Field(sa_column=Column(Double))
    """The provider throttled above this rate. From here the rate grows slowly."""
    tokens: float = Field(sa_column=Column(Double, nullable=False, server_default=text("0")))
    """Messages that may be sent now (token bucket)."""
    tokens_at: datetime = _now()
    updated_at: datetime = _now()


class QueueProgress(SQLModel, table=True):
    """How far a queue has been delivered. Jobs published until then are with a worker, done, or lost."""

    __tablename__: ClassVar[Any] = "queue_progress"

    queue: str = Field(sa_column=Column(Text, primary_key=True))
    delivered_up_to: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
