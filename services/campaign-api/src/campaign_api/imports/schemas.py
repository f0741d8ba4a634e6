"""Imports in responses."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field

from campaign_api.imports.decoding import Encoding
from campaign_api.imports.uploads import ImportFormat
from campaign_api.web.field_types import Id
from leopard.domain.imports import ImportMode, ImportStatus

LISTED_REJECTS: Final = 100


class ImportColumn(BaseModel):
    """A column of the file."""

    name: str = Field(description="Name of the column in the file", examples=["Handy"])
    field: str | None = Field(description="Field that it holds; null if it is ignored", examples=["phone"])


class RejectedRow(BaseModel):
    """A row that was not stored."""

    row: int = Field(description="Number of the row in the file, from 1, the header included", examples=[17])
    column: str | None = Field(
        description="Name of the column; null if the row as a whole is wrong", examples=["Handy"]
    )
    reason: str = Field(description="Why it was not stored", examples=["holds more than one phone number; keep one"])


class Import(BaseModel):
    """An import of customers."""

    id: Id = Field(description="Id of the import", examples=[1])
    status: ImportStatus = Field(description="Status of the import", examples=[ImportStatus.DONE])
    mode: ImportMode = Field(description="What happens to known and to new phone numbers", examples=[ImportMode.UPSERT])
    dry_run: bool = Field(description="Whether rows are only compared, and nothing is stored", examples=[False])
    default_country: str | None = Field(description="Country of numbers without a country code", examples=["KE"])
    format: ImportFormat | None = Field(description="Format of the file; null until known", examples=["csv"])
    encoding: Encoding | None = Field(description="Encoding of the file; null until known", examples=["utf-8"])
    columns: list[ImportColumn] = Field(description="Columns of a CSV file, and what they hold")
    bytes_total: int | None = Field(description="Size of the upload; null if it was not declared", examples=[1048576])
    bytes_read: int = Field(description="Bytes of the upload that were read", examples=[1048576])
    rows: int = Field(description="Rows that are done", examples=[20000])
    rows_per_second: float = Field(description="Rows done in a second, on average", examples=[31500.5])
    created: int = Field(description="Customers created", examples=[15000])
    updated: int = Field(description="Customers changed", examples=[4000])
    unchanged: int = Field(description="Customers who had these values already", examples=[980])
    rejected: int = Field(description="Rows not stored", examples=[12])
    duplicates: int = Field(description="Rows with the phone number of another row; the last one wins", examples=[8])
    problem: str | None = Field(
        description="Why the import stopped before the end of the file; null if it did not", examples=[None]
    )
    created_at: datetime = Field(description="When the upload began", examples=["2030-01-30T12:00:00Z"])
    finished_at: datetime | None = Field(description="When it ended; null while it runs", examples=[None])


class ImportWithRejects(Import):
    """An import of customers, with the first rows that were not stored."""

    rejects: list[RejectedRow] = Field(description="The first 100 rows that were not stored")
