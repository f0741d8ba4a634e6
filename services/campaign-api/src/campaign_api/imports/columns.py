"""The columns of an uploaded file: which field of a customer each one holds."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from campaign_api.imports.records import UnreadableFileError
from leopard.domain.customer_fields import COLUMNS, FIELD_NAME

ATTRIBUTE: Final = "attributes."
"""Begins the name of a field that is an attribute."""

WRITTEN: Final = tuple(column for column in COLUMNS if column != "created_at")
"""The columns that an import writes."""

REASON: Final = "reject_reason"
"""The column of rejected rows that says why. An import of the corrected rows ignores it."""

IGNORED: Final = frozenset({"created_at", "updated_at", REASON})
"""Columns that Leopard writes itself."""

_OTHER_NAMES: Final = {
    "phone": (
        "phone_number", "telephone", "mobile", "mobile_number", "mobile_phone", "msisdn", "telefon", "telefonnummer",
        "handy", "handynummer", "mobil", "phone_1_value",
    ),
    "first_name": ("firstname", "given_name", "vorname"),
    "last_name": ("lastname", "surname", "family_name", "nachname"),
}  # fmt: skip
"""Headers that spreadsheets and address books have in place of our names."""

_SHOWN: Final = 60
_NO_WORD: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a CSV file."""

    names: tuple[str, ...]
    """As they stand in the file."""
    fields: tuple[str | None, ...]
    """The field of each column: a column of customers, `attributes.` and a name, or None if it is ignored."""


def read_header(cells: Sequence[str], given: Mapping[str, str]) -> Header:
    """Read the first row of a CSV file.

    Args:
        cells: The first row.
        given: Fields by the names of columns, as the request gives them; an empty field ignores the column.

    Raises:
        UnreadableFileError: No column holds phone numbers, two columns hold the same field, or a name in `given` is not
            a column.
    """
    names = tuple(cell.strip() for cell in cells)
    missing = [name for name in given if name not in names]
    if missing:
        raise UnreadableFileError(f"The file has no column {missing[0][:_SHOWN]}, which map names")
    fields = [given.get(name, _field_of(name)) or None for name in names]
    for field, others in _OTHER_NAMES.items():
        if field not in fields:
            found = [index for index, other in enumerate(fields) if other in {f"{ATTRIBUTE}{name}" for name in others}]
            if len(found) == 1 and names[found[0]] not in given:
                fields[found[0]] = field
    if "phone" not in fields:
        raise UnreadableFileError(
            "No column is named phone. The first row must name the columns; map=Mobile:phone tells which one holds"
            " phone numbers"
        )
    field, times = Counter(field for field in fields if field is not None).most_common(1)[0]
    if times > 1:
        columns = " and ".join(str(index + 1) for index, other in enumerate(fields) if other == field)
        raise UnreadableFileError(f"Columns {columns} both hold {field}; ignore one with map=NAME:")
    return Header(names, tuple(fields))


def field_named(name: str) -> str | None:
    """The field that a name stands for; None if there is no such field."""
    if name in WRITTEN:
        return name
    attribute = name.removeprefix(ATTRIBUTE)
    if name in IGNORED or FIELD_NAME.fullmatch(attribute) is None:
        return None
    return f"{ATTRIBUTE}{attribute}"


def _field_of(header: str) -> str:
    prefix = ATTRIBUTE if header.lower().startswith(ATTRIBUTE) else ""
    letters = unicodedata.normalize("NFKD", header[len(prefix) :].casefold())
    name = _NO_WORD.sub("_", "".join(letter for letter in letters if not unicodedata.combining(letter))).strip("_")
    return field_named(prefix + name) or ""


def read_map(parts: Sequence[str]) -> dict[str, str]:
    """Read `map`: fields by the names of columns, `Handy:phone,Vorname:first_name`.

    Raises:
        ValueError: A part is not NAME:FIELD, or names no field.
    """
    found: dict[str, str] = {}
    for part in (one for many in parts for one in many.split(",") if one.strip()):
        name, colon, written = part.rpartition(":")
        field = field_named(written.strip())
        if not colon or (written.strip() and field is None):
            msg = f"{part[:_SHOWN]} must be a column, a colon and a field, such as Handy:phone"
            raise ValueError(msg)
        found[name.strip()] = field or ""
    return found
