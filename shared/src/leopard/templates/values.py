"""The values that templates see: as text, as number, as day, and whether they are empty."""

import math
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from leopard.domain.customer_fields import is_date

_NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)

_LARGEST: Final = 10**30
"""Larger integers have no text."""

LARGEST_FORMATTED: Final = 10**18
"""Larger numbers are no amounts. Decimals of the default precision cannot hold them with all their digits."""


def as_text(value: object) -> str:
    """A value as it stands in a message. Null, and what no attribute can be, gives an empty text."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number_text(value)
        case date():
            # a datetime shows its day
            return value.isoformat()[:10]
        case list() | tuple():
            return ", ".join(item for item in value if isinstance(item, str))
        case _:
            return ""


def is_empty(value: object) -> bool:
    """Whether a value is null, or has nothing to show. 0 and false are not empty."""
    return as_text(value) == ""


def number_of(value: object) -> Decimal | None:
    """The number that a value is, or that its text spells as `1200` or `-0.5`."""
    if isinstance(value, str):
        spelled = value.strip()
        return Decimal(spelled) if _NUMBER.fullmatch(spelled) else None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not -LARGEST_FORMATTED < value < LARGEST_FORMATTED
    ):
        return None
    # adding 0.0 makes 0.0 of -0.0
    return Decimal(value) if isinstance(value, int) else Decimal(repr(value + 0.0))


def day_of(value: object) -> date | None:
    """The day that a value is, or that its text spells as `2026-11-30`. A datetime keeps its time, without its zone."""
    if isinstance(value, datetime):
        # the same moment in two zones would be equal, and be taken for the same text
        return value.replace(tzinfo=None)
    if isinstance(value, str):
        return date.fromisoformat(value) if is_date(value) else None
    return value if isinstance(value, date) else None


def _number_text(value: float) -> str:
    if isinstance(value, int):
        # Python refuses to write integers of thousands of digits
        return str(value) if -_LARGEST < value < _LARGEST else ""
    if not math.isfinite(value):
        return ""
    # JSON may write the integer 100 as 100.0
    return str(int(value)) if value.is_integer() and abs(value) < _LARGEST else format(Decimal(repr(value)), "f")
