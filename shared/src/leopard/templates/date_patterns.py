"""Patterns of dates, as those of strftime: `%d %b` is `30 Nov`, or `30 Nov` in the words of another language."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias

from babel.core import Locale

_Part: TypeAlias = Callable[[date, Locale], str]

_CODE: Final = re.compile(r"%(-?.?)", re.DOTALL)


def _month(width: str) -> _Part:
    return lambda day, locale: str(locale.months["format"][width][day.month])


def _weekday(width: str) -> _Part:
    return lambda day, locale: str(locale.days["format"][width][day.weekday()])


def _time(unit: str) -> _Part:
    # a day without a time begins at midnight
    return lambda day, _locale: f"{getattr(day, unit) if isinstance(day, datetime) else 0:02d}"


CODES: Final[Mapping[str, _Part]] = {
    "d": lambda day, _locale: f"{day.day:02d}",
    "-d": lambda day, _locale: str(day.day),
    "m": lambda day, _locale: f"{day.month:02d}",
    "-m": lambda day, _locale: str(day.month),
    "y": lambda day, _locale: f"{day.year % 100:02d}",
    "Y": lambda day, _locale: f"{day.year:04d}",
    "j": lambda day, _locale: f"{day.timetuple().tm_yday:03d}",
    "a": _weekday("abbreviated"),
    "A": _weekday("wide"),
    "b": _month("abbreviated"),
    "B": _month("wide"),
    "H": _time("hour"),
    "M": _time("minute"),
    "%": lambda _day, _locale: "%",
}
"""The codes after `%` and what they write. A minus sign drops the leading zero."""


@dataclass(frozen=True, slots=True, eq=False)
class DatePattern:
    """A pattern that is ready for use. Patterns are compared by identity, so that they are quick keys of a cache."""

    literals: tuple[str, ...]
    parts: tuple[_Part, ...]

    def format(self, day: date, locale: Locale) -> str:
        """Write a day, with the names of its month and weekday in the locale's language."""
        written = [self.literals[0]]
        for part, literal in zip(self.parts, self.literals[1:], strict=True):
            written += part(day, locale), literal
        return "".join(written)


def date_pattern(written: str) -> DatePattern:
    """Parse a pattern.

    Raises:
        ValueError: A code is unknown; says which codes there are.
    """
    pieces = _CODE.split(written)
    for code in pieces[1::2]:
        if code not in CODES:
            known = " ".join(f"%{known}" for known in CODES)
            msg = f"date has no code %{code[:2]}; its codes are {known}"
            raise ValueError(msg)
    return DatePattern(tuple(pieces[::2]), tuple(CODES[code] for code in pieces[1::2]))
