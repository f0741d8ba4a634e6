"""The records of an uploaded file, with the numbers of their rows."""

from dataclasses import dataclass
from typing import Any, Final

from leopard.domain.stored_text import UNSTORABLE

_KEPT: Final = 200


class UnreadableFileError(Exception):
    """The file, or the rest of it, cannot be read. The message says why, in words for the person who uploaded it."""


class CellError(ValueError):
    """A cell whose value a customer cannot have. The message says why, and does not begin with the column's name."""


# not frozen: a frozen object takes three times as long to make
@dataclass(slots=True)
class CsvRow:
    """A row of a CSV file. The first row of the file, usually the header, has number 1."""

    number: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class JsonRow:
    """A line of an NDJSON file. The first line of the file has number 1."""

    number: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read, with the reason and the beginning of its text."""

    number: int
    reason: str
    text: str


def unstorable_reason(text: str) -> str | None:
    """Why PostgreSQL cannot store a text; None if it can. The decoder makes lone surrogates of undecodable bytes."""
    found = UNSTORABLE.search(text)
    if found is None:
        return None
    return "contains a NUL byte" if found[0] == "\0" else "contains bytes that are not text in the file's encoding"


def beginning(text: str) -> str:
    """The first 200 characters of a row, as PostgreSQL can store them."""
    return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text[:_KEPT]).rstrip("\r\n")


def too_long(number: int, text: str, max_length: int) -> BadRow:
    """The row of which at least `max_length` characters are here."""
    return BadRow(number, f"is longer than {max_length} characters", beginning(text[:max_length]))
