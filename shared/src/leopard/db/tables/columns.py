"""Columns that many tables have."""

from typing import Any, TypeAlias

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, text
from sqlmodel import Column, Field

from leopard.domain.customer_fields import FieldType
from leopard.domain.dry_runs import DryRunStatus
from leopard.domain.imports import ImportMode, ImportStatus
from leopard.domain.statuses import CampaignStatus, Channel, MessageStatus


def now(*, nullable: bool = False) -> Any:  # noqa: ANN401 SQLModel's fields have any type
    """A moment; the time of the insert if none is given, unless it may be null."""
    return Field(
        sa_column=Column(DateTime(timezone=True), nullable=nullable, server_default=None if nullable else text("now()"))
    )


def new_id() -> Any:  # noqa: ANN401
    """A primary key that PostgreSQL assigns."""
    return Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))


_Values: TypeAlias = type[
    Channel | CampaignStatus | DryRunStatus | FieldType | ImportMode | ImportStatus | MessageStatus
]


def one_of(column: str, values: _Values, name: str) -> CheckConstraint:
    """A check that a column holds one of the values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)
