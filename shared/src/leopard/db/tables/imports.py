"""Tables of imports of customers. Runs no SQL."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Column, Field, SQLModel

from leopard.db.tables.columns import new_id, now, one_of
from leopard.domain.imports import ImportMode, ImportStatus


def _count() -> Any:  # noqa: ANN401 SQLModel's fields have any type
    return Field(sa_column=Column(BigInteger, nullable=False, server_default=text("0")))


class Import(SQLModel, table=True):
    """An uploaded file of customers, and how far its rows are stored."""

    __tablename__: ClassVar[Any] = "imports"
    __table_args__ = (
        one_of("status", ImportStatus, "imports_status_check"),
        one_of("mode", ImportMode, "imports_mode_check"),
        Index("idx_imports_running", "seen_at", postgresql_where=text("status = 'running'")),
    )

    id: int = new_id()
    status: ImportStatus = Field(sa_column=Column(Text, nullable=False, server_default=text("'running'")))
    mode: ImportMode = Field(sa_column=Column(Text, nullable=False))
    dry_run: bool = Field(sa_column=Column(Boolean, nullable=False))
    default_country: str | None = Field(sa_column=Column(Text))
    """The country of numbers without a country code (ISO 3166-1 alpha-2)."""
    format: str | None = Field(sa_column=Column(Text))
    encoding: str | None = Field(sa_column=Column(Text))
    columns: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'[]'")))
    """The header of a CSV file: `[{"name", "field"}]`."""
    bytes_total: int | None = Field(sa_column=Column(BigInteger))
    """The size of the upload, if the client declared it."""
    bytes_read: int = _count()
    rows: int = _count()
    created: int = _count()
    updated: int = _count()
    unchanged: int = _count()
    rejected: int = _count()
    duplicates: int = _count()
    """Rows whose phone number an earlier row of the file has."""
    rejects_kept: int = _count()
    problem: str | None = Field(sa_column=Column(Text))
    """Why it stopped before the end of the file."""
    created_at: datetime = now()
    seen_at: datetime = now()
    """When its process last reported."""
    finished_at: datetime | None = now(nullable=True)


class ImportRejects(SQLModel, table=True):
    """Rejected rows of one batch of an import: `[{"row", "column", "reason", "cells"}]`."""

    __tablename__: ClassVar[Any] = "import_rejects"

    import_id: int = Field(sa_column=Column(BigInteger, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True))
    first_row: int = Field(sa_column=Column(BigInteger, primary_key=True))
    rejects: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
