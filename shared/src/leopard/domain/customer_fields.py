"""The fields of a customer: the columns, and the attributes, which each installation names itself."""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Final


class FieldType(StrEnum):
    """The type of a field's values. An attribute keeps the type that it had first."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    TEXTS = "texts"
    """A list of texts."""

    @property
    def words(self) -> str:
        """How error messages name a value of this type."""
        return _WORDS[self]


_WORDS: Final = {
    FieldType.TEXT: "a text",
    FieldType.NUMBER: "a number",
    FieldType.BOOLEAN: "true or false",
    FieldType.DATE: "a date in the form 2026-11-30",
    FieldType.TEXTS: "a list of texts",
}


COLUMNS: Final[Mapping[str, FieldType]] = {
    "phone": FieldType.TEXT,
    "first_name": FieldType.TEXT,
    "last_name": FieldType.TEXT,
    "location": FieldType.TEXT,
    "preferred_product": FieldType.TEXT,
    "preferred_language": FieldType.TEXT,
    "time_zone": FieldType.TEXT,
    "created_at": FieldType.DATE,
}
"""The columns that filters and templates know. A column wins over an attribute of the same name."""

FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
"""The name of an attribute."""

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def type_of_value(value: object) -> FieldType | None:
    """The type of an attribute's value in JSON; None if no attribute may have it.

    A text in the form of a calendar day, 2026-11-30 (ISO 8601), is a date.
    """
    match value:
        case bool():
            return FieldType.BOOLEAN
        case int() | float():
            return FieldType.NUMBER
        case str():
            return FieldType.DATE if is_date(value) else FieldType.TEXT
        case list() if all(isinstance(item, str) for item in value):
            return FieldType.TEXTS
        case _:
            return None


def fits(given: FieldType, known: FieldType) -> bool:
    """Whether an attribute of type `known` may have a value of type `given`. A date is also a text."""
    return given is known or (given is FieldType.DATE and known is FieldType.TEXT)


def is_date(text: str) -> bool:
    """Whether a text is a calendar day in the form 2026-11-30."""
    if _DATE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
