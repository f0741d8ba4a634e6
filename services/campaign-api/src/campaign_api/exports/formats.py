"""The formats of exported files: CSV that spreadsheets open safely, and NDJSON that loses nothing."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from leopard.domain.spreadsheet_cells import csv_text, protected


class ExportFormat(StrEnum):
    """The format of an exported file."""

    CSV = "csv"
    NDJSON = "ndjson"


MEDIA_TYPES: Final = {ExportFormat.CSV: "text/csv; charset=utf-8", ExportFormat.NDJSON: "application/x-ndjson"}

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of an export become text."""

    header: str
    """What the file begins with."""
    lines: Callable[[Iterable[Row]], str]


def csv_layout(names: Sequence[str], cells: Callable[[Row], list[str]]) -> Layout:
    """The layout of a CSV file whose rows have these columns."""
    return Layout(csv_text([list(names)]), lambda rows: csv_text(map(cells, rows)))


def cell(value: object) -> str:
    """The cell for a value; an empty one for null."""
    match value:
        case None:
            return ""
        case str():
            return protected(value)
        case datetime():
            return timestamp(value)
        case _:
            return str(value)


def json_text(value: object) -> str:
    """The JSON of a text, a number, a time or null."""
    return json.dumps(timestamp(value) if isinstance(value, datetime) else value, ensure_ascii=False)


def timestamp(moment: datetime) -> str:
    """A time as the API writes it (RFC 3339)."""
    return moment.isoformat().replace("+00:00", "Z")
