"""The table of dry runs of campaigns. Runs no SQL."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Column, Field, SQLModel

from leopard.db.tables.columns import new_id, now, one_of
from leopard.domain.dry_runs import DryRunStatus


class DryRun(SQLModel, table=True):
    """The messages of a campaign, rendered for its whole audience and not sent: the progress and the report."""

    __tablename__: ClassVar[Any] = "dry_runs"
    __table_args__ = (
        one_of("status", DryRunStatus, "dry_runs_status_check"),
        Index("idx_dry_runs_campaign_id", "campaign_id"),
        Index("idx_dry_runs_running", "seen_at", postgresql_where=text("status = 'running'")),
    )

    id: int = new_id()
    campaign_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), nullable=False)
    )
    status: DryRunStatus = Field(sa_column=Column(Text, nullable=False, server_default=text("'running'")))
    recipients: int | None = Field(sa_column=Column(BigInteger))
    """The number of customers in the audience; null until they are counted."""
    rendered: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    """How many of the recipients are done."""
    problem: str | None = Field(sa_column=Column(Text))
    """Why it ended without a report."""
    report: dict[str, Any] | None = Field(sa_column=Column(JSONB))
    created_at: datetime = now()
    seen_at: datetime = now()
    """When its process last reported."""
    finished_at: datetime | None = now(nullable=True)
