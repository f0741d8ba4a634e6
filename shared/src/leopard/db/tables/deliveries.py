"""Tables of the installation, its providers and its queues. Runs no SQL."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, CheckConstraint, DateTime, Double, Integer, Text, Uuid, text
from sqlmodel import Column, Field, SQLModel

from leopard.db.tables.columns import now


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
    held_since: datetime | None = now(nullable=True)
    held_until: datetime | None = now(nullable=True)
    """No message is sent until then. Afterwards one message at a time probes it. Null: not held."""
    reason: str | None = Field(sa_column=Column(Text))
    """Why it is held."""
    holds_in_a_row: int = Field(sa_column=Column(Integer, nullable=False, server_default=text("0")))
    """Consecutive holds without a successful message in between."""
    probe_until: datetime | None = now(nullable=True)
    """A worker may send a probe until then. The right to probe ends by itself."""
    rate_per_second: float | None = Field(sa_column=Column(Double))
    """Messages per second for all workers together; null: no limit."""
    rate_threshold: float | None = Field(sa_column=Column(Double))
    """The provider throttled above this rate. From here the rate grows slowly."""
    tokens: float = Field(sa_column=Column(Double, nullable=False, server_default=text("0")))
    """Messages that may be sent now (token bucket)."""
    tokens_at: datetime = now()
    updated_at: datetime = now()


class QueueProgress(SQLModel, table=True):
    """How far a queue has been delivered. Jobs published until then are with a worker, done, or lost."""

    __tablename__: ClassVar[Any] = "queue_progress"

    queue: str = Field(sa_column=Column(Text, primary_key=True))
    delivered_up_to: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
