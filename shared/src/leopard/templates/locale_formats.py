"""Numbers, amounts of money and days in the recipient's language, from the Unicode CLDR.

What cannot be formatted stays as it is.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, list_currencies

from leopard.templates.date_patterns import DatePattern
from leopard.templates.values import LARGEST_FORMATTED, day_of, number_of

FALLBACK: Final = Locale("en")
"""The locale of recipients without a language, and of languages that the CLDR does not know."""

# none of these is in the SMS alphabet: one of them would force the whole text into UCS-2
_PLAIN: Final = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2019": "'", "\u2212": "-"})

# babel leaves out the space that the CLDR wants there (UTS 35, part 3, Currencies: beforeCurrency, afterCurrency)
_LETTER_BESIDE_DIGIT: Final = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")

_GROUPED: Final = re.compile(r"(\D*)1(?P<separator>\D)234(?P=separator)567(\D.*)?")


@lru_cache(maxsize=512)
def locale_of(language: str) -> Locale:
    """The locale of a language tag. `sw-XX` is `sw` where the CLDR has no `sw-XX`."""
    subtags = language.replace("_", "-").split("-")
    while subtags:
        try:
            return Locale.parse("_".join(subtags))
        except (UnknownLocaleError, ValueError):
            subtags.pop()
    return FALLBACK


def format_number(value: object, language: str) -> object:
    """A number with the separators of the language, and at most three decimals: `1,234.5`."""
    if type(value) is int and 0 <= value < LARGEST_FORMATTED and (form := _whole_form(None, language)):
        return form.write(value)
    number = number_of(value)
    return value if number is None else _number(number, language)


def format_amount(value: object, currency: str, language: str) -> object:
    """An amount of money, with the decimals of its currency: `KES 1,234.00`."""
    if type(value) is int and 0 <= value < LARGEST_FORMATTED and (form := _whole_form(currency, language)):
        return form.write(value)
    amount = number_of(value)
    return value if amount is None else _amount(amount, currency, language)


def format_day(value: object, pattern: DatePattern | None, language: str) -> object:
    """A day by a pattern; without one, in the usual form of the language: `Nov 30, 2026`."""
    day = day_of(value)
    return value if day is None else _day(day, pattern, language)


def is_currency(code: str) -> bool:
    """Whether `code` is a currency of ISO 4217."""
    return code in currencies()


@lru_cache(maxsize=1)
def currencies() -> frozenset[str]:
    """The codes of all currencies."""
    return frozenset(list_currencies())


@dataclass(frozen=True, slots=True)
class _WholeForm:
    """How a language writes whole numbers or amounts, in groups of three digits."""

    before: str
    separator: str
    after: str

    def write(self, number: int) -> str:
        return f"{self.before}{f'{number:,}'.replace(',', self.separator)}{self.after}"


@lru_cache(maxsize=2048)
def _whole_form(currency: str | None, language: str) -> _WholeForm | None:
    """The form of whole numbers, read from one that babel wrote; None where the language has another form.

    Babel takes ten times as long to write a number, and campaigns have a million different ones.
    """

    def write(number: int) -> str:
        return _amount(Decimal(number), currency, language) if currency else _number(Decimal(number), language)

    found = _GROUPED.fullmatch(write(1_234_567))
    if found is None:
        return None
    form = _WholeForm(*found.groups(default=""))
    return form if form.write(1234) == write(1234) else None


# recipients of one campaign share many values: the same price, the same day


@lru_cache(maxsize=4096)
def _number(number: Decimal, language: str) -> str:
    return format_decimal(number, locale=locale_of(language)).translate(_PLAIN)


@lru_cache(maxsize=4096)
def _amount(amount: Decimal, currency: str, language: str) -> str:
    written = format_currency(amount, currency, locale=locale_of(language))
    return _LETTER_BESIDE_DIGIT.sub(" ", written).translate(_PLAIN)


@lru_cache(maxsize=4096)
def _day(day: date, pattern: DatePattern | None, language: str) -> str:
    locale = locale_of(language)
    written = pattern.format(day, locale) if pattern else format_date(day, "medium", locale=locale)
    return written.translate(_PLAIN)
