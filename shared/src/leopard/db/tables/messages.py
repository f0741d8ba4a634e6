"""Tables of messages and their chunks. Runs no SQL."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Column, Field, SQLModel

from leopard.db.tables.columns import new_id, now, one_of
from leopard.domain.statuses import MessageStatus


class Chunk(SQLModel, table=True):
    """A range of a campaign's customers with unfinished messages. Deleted when all are finished."""

    __tablename__: ClassVar[Any] = "campaign_chunks"
    __table_args__ = (
        Index("idx_campaign_chunks_campaign_id", "campaign_id"),
        Index("idx_campaign_chunks_check_at", "check_at"),
    )

    id: int = new_id()
    campaign_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), nullable=False)
    )
    first_customer_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    last_customer_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    claimed_until: datetime | None = now(nullable=True)
    """A dispatcher holds it until then. The claim ends by itself."""
    check_at: datetime | None = now(nullable=True)
    """When to check whether the published jobs are done; null while its jobs are not published."""
    published_at: datetime | None = now(nullable=True)
    """When the dispatcher that published its jobs had claimed it."""


class OutboundMessage(SQLModel, table=True):
    """One message to one customer."""

    __tablename__: ClassVar[Any] = "outbound_messages"
    __table_args__ = (
        one_of("status", MessageStatus, "outbound_messages_status_check"),
        UniqueConstraint("campaign_id", "customer_id", name="outbound_messages_campaign_id_customer_id_key"),
        Index("idx_outbound_messages_customer_id", "customer_id"),
        Index(
            "idx_outbound_messages_next_attempt_at",
            "next_attempt_at",
            postgresql_where=text("next_attempt_at IS NOT NULL"),
        ),
    )

    id: int = new_id()
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
    created_at: datetime = now()
    updated_at: datetime = now()
    claimed_until: datetime | None = now(nullable=True)
    """A worker holds it until then. Also the token of the claim: only that claim may record a result."""
    next_attempt_at: datetime | None = now(nullable=True)
    """When the message may be tried again; null if it does not have to wait."""
    variant: int | None = Field(sa_column=Column(SmallInteger))
    """The number of its variant in the campaign, from 1; null if there are none."""
    content: dict[str, Any] | None = Field(sa_column=Column(JSONB))
    """The rich content that was sent; null if the message is only text."""
