"""Phone numbers in uploaded files: why one cannot be read, in words for the person who made the file."""

import re
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumberFormat

from campaign_api.imports.records import CellError
from leopard.domain.phone_numbers import TEST_PREFIX
from leopard.domain.phone_spellings import normalised_phone

_SCIENTIFIC: Final = re.compile(r"[+-]?[0-9]([.,][0-9]*)?[eE]\+?[0-9]{1,2}")
_FRACTION: Final = re.compile(r"\+?[0-9]{7,}[.,]0+")
_DIGITS: Final = re.compile(r"[0-9]")
_LETTERS: Final = re.compile(r"[^\W\d_]")
_BETWEEN_NUMBERS: Final = re.compile(r":::|[,;|\n]|/|\bor\b|\bund\b|\boder\b|(?<=[0-9])\s*(?=\+)", re.IGNORECASE)
_FEWEST_DIGITS: Final = 7
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_LONGEST_COUNTRY_CODE: Final = 3


def imported_phone(cell: str, default_country: str | None) -> str:
    """The E.164 spelling of a number in a file.

    Args:
        cell: What the file holds.
        default_country: The country of numbers without a country code (ISO 3166-1 alpha-2).

    Raises:
        CellError: It is no phone number that can get a message.
    """
    known = _clean(cell)
    if known is not None:
        return known
    text = cell.strip().lstrip("'")
    problem = _spoilt(text)
    if problem is not None:
        raise CellError(problem)
    try:
        if default_country is not None and not text.startswith(("+", "00")):
            return _national(text, default_country)
        return normalised_phone(text)
    except ValueError as error:
        raise CellError(_explained(text, str(error), default_country)) from None


def _clean(cell: str) -> str | None:
    """The number, if it is E.164 already and needs no look at its country's trunk prefix; None if that is unsure.

    `phonenumbers` takes 60 microseconds for a number. This takes one, and only for numbers that come out unchanged.
    """
    if _E164.fullmatch(cell) is None:
        return None
    if cell.startswith(TEST_PREFIX):
        return cell
    country = _country_of(cell[1 : 1 + _LONGEST_COUNTRY_CODE])
    if country is None:
        return None
    begin, lengths, trunk_prefix = country
    if len(cell) - begin not in lengths or cell[begin] == "0" or trunk_prefix.match(cell, begin):
        return None
    return cell


@lru_cache(maxsize=1000)
def _country_of(digits: str) -> tuple[int, frozenset[int], re.Pattern[str]] | None:
    """Where the national number begins behind these digits, with the rules of the country; None if there is none."""
    for length in range(1, _LONGEST_COUNTRY_CODE + 1):
        rules = _country(digits[:length])
        if rules is not None:
            return 1 + length, *rules
    return None


@lru_cache(maxsize=1200)
def _country(code: str) -> tuple[frozenset[int], re.Pattern[str]] | None:
    """The possible lengths of a country's numbers, and the prefix that is only dialled inside it."""
    region = phonenumbers.region_code_for_country_code(int(code))
    if region == phonenumbers.UNKNOWN_REGION:
        return None
    metadata = (
        PhoneMetadata.metadata_for_nongeo_region(int(code))
        if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
        else PhoneMetadata.metadata_for_region(region)
    )
    if metadata is None or metadata.general_desc is None:
        return None
    return frozenset(metadata.general_desc.possible_length), re.compile(metadata.national_prefix_for_parsing or r"(?!)")


def _spoilt(text: str) -> str | None:
    if not text:
        return "is empty"
    if _SCIENTIFIC.fullmatch(text):
        return "was shortened by a spreadsheet, as in 2.547E+11; format the column as text and enter the number again"
    if _FRACTION.fullmatch(text):
        return (
            "was changed by a spreadsheet, as in 254700123456.0; format the column as text and enter the number again"
        )
    numbers = [part for part in _BETWEEN_NUMBERS.split(text) if len(_DIGITS.findall(part)) >= _FEWEST_DIGITS]
    if len(numbers) > 1:
        return "holds more than one phone number; keep one"
    return None


def _explained(text: str, problem: str, default_country: str | None) -> str:
    if _LETTERS.search(text):
        return "holds letters; a phone number has digits only"
    if default_country is None and not text.startswith(("+", "00")) and _DIGITS.search(text):
        return "has no country code; write it as +254700123456, or import with default_country"
    return problem


def _national(text: str, country: str) -> str:
    """The E.164 spelling of a number as it is dialled in a country.

    Raises:
        ValueError: It is not such a number; says why.
    """
    if len(text) > 40:
        msg = "is too long for a phone number"
        raise ValueError(msg)
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException:
        msg = f"is not a phone number of {country}"
        raise ValueError(msg) from None
    if not phonenumbers.is_possible_number(number) or number.extension or _LETTERS.search(text):
        msg = f"does not have the length of a phone number of {country}"
        raise ValueError(msg)
    return normalised_phone(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def is_country(code: str) -> bool:
    """Whether this is the code of a country with phone numbers (ISO 3166-1 alpha-2, capital letters)."""
    return code in phonenumbers.SUPPORTED_REGIONS
