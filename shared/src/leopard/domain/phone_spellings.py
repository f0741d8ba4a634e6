"""Phone numbers as clients write them, brought into the one spelling that is stored: E.164.

Which numbers a country can have is taken from the metadata of `phonenumbers`. A number is refused where its length is
impossible, not where its range is unassigned: ranges are assigned sooner than metadata is released.
"""

import re
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from leopard.domain.phone_numbers import TEST_PREFIX, is_e164

_LONGEST: Final = 40
"""Fifteen digits and what people write between them."""

# blanks, dashes, and the invisible marks that address books put around numbers
_SEPARATORS: Final = re.compile(r"[ \t.()/\u00a0\u00ad\u2000-\u2015\u202a-\u202f\u2060\u2066-\u2069\u2212\ufeff-]+")

_PROBLEMS: Final = {
    ValidationResult.INVALID_COUNTRY_CODE: "begins with a country code that does not exist",
    ValidationResult.TOO_SHORT: "is too short for its country",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "is too short for its country: the area code is missing",
    ValidationResult.TOO_LONG: "is too long for its country",
    ValidationResult.INVALID_LENGTH: "has a length that its country does not use",
}


def normalised_phone(written: str) -> str:
    """The E.164 spelling of a number that is written with its country code.

    Blanks, dashes, dots, brackets and slashes may separate digits, `00` may stand for the plus sign, and a national
    trunk prefix after the country code is dropped: `+44 (0)7911 123456` is `+447911123456`.

    Raises:
        ValueError: It is no such number; says why, and never repeats the number.
    """
    if len(written) > _LONGEST:
        msg = "is too long for a phone number"
        raise ValueError(msg)
    digits = _SEPARATORS.sub("", written)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if not is_e164(digits):
        msg = "must be an E.164 number such as +254700123456: a plus sign, the country code, the number"
        raise ValueError(msg)
    # a country code of its own that is assigned to nobody, for tests
    return digits if digits.startswith(TEST_PREFIX) else _of_a_country(digits)


def other_spellings(phone: str) -> list[str]:
    """How the number of an E.164 spelling may have been stored before spellings were brought into one.

    Args:
        phone: What `normalised_phone` gives.
    """
    if phone.startswith(TEST_PREFIX):
        return []
    number = phonenumbers.parse(phone)
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    prefixes = {"0", phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or "0"}
    national = phonenumbers.national_significant_number(number)
    spellings = (f"+{number.country_code}{prefix}{national}" for prefix in sorted(prefixes))
    return [spelling for spelling in spellings if is_e164(spelling) and _same(spelling, phone)]


def _same(spelling: str, phone: str) -> bool:
    try:
        return _of_a_country(spelling) == phone
    except ValueError:
        return False


def _of_a_country(digits: str) -> str:
    number = _parsed(digits)
    problem = _PROBLEMS.get(phonenumbers.is_possible_number_with_reason(number))
    if problem is not None:
        raise ValueError(problem)
    # Italy's zero belongs to the number, and so does that of some others; elsewhere it is dialled inside the country
    if number.italian_leading_zero and not phonenumbers.is_valid_number(number):
        msg = "has a 0 after the country code that does not belong there"
        raise ValueError(msg)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _parsed(digits: str) -> PhoneNumber:
    try:
        return phonenumbers.parse(digits)
    except NumberParseException as error:
        unknown = error.error_type == NumberParseException.INVALID_COUNTRY_CODE
        problem = ValidationResult.INVALID_COUNTRY_CODE if unknown else ValidationResult.TOO_SHORT
        raise ValueError(_PROBLEMS[problem]) from None
