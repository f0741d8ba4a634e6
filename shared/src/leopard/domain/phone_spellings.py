"""Normalises phone numbers from the spellings of clients to the stored spelling, E.164.

The library `phonenumbers` knows the numbers of each country. A number with an impossible length is refused. A number
in an unassigned range is accepted, because new ranges are in use before the library knows them.
"""

import re
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from leopard.domain.phone_numbers import TEST_PREFIX, is_e164

_LONGEST: Final = 40
"""Fifteen digits and the separators between them."""

# blanks, dashes, and the invisible marks that address books put around numbers
_SEPARATORS: Final = re.compile(r"[ \t.()/\u00a0\u00ad\u2000-\u2015\u202a-\u202f\u2060\u2066-\u2069\u2212\ufeff-]+")

_PROBLEMS: Final = {
    ValidationResult.INVALID_COUNTRY_CODE: "begins with an unknown country code",
    ValidationResult.TOO_SHORT: "is too short for its country",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "is too short for its country: the area code is missing",
    ValidationResult.TOO_LONG: "is too long for its country",
    ValidationResult.INVALID_LENGTH: "has a length that its country does not use",
}


def normalised_phone(written: str) -> str:
    """The E.164 spelling of a number with a country code.

    Spaces, dashes, dots, brackets and slashes may separate digits. `00` may replace the plus sign. A national trunk
    prefix after the country code is dropped: `+44 (0)7911 123456` becomes `+447911123456`.

    Raises:
        ValueError: It is not such a number; says why, and never quotes the number.
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
    # the test prefix is an unassigned country code, which the library refuses
    return digits if digits.startswith(TEST_PREFIX) else _of_a_country(digits)


def other_spellings(phone: str) -> list[str]:
    """Other spellings under which older versions may have stored the same number.

    Args:
        phone: A result of `normalised_phone`.
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
    # in Italy and a few other countries the 0 is a part of the number; elsewhere it is only dialled inside the country
    if number.italian_leading_zero and not phonenumbers.is_valid_number(number):
        msg = "has a wrong 0 after the country code"
        raise ValueError(msg)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _parsed(digits: str) -> PhoneNumber:
    try:
        return phonenumbers.parse(digits)
    except NumberParseException as error:
        unknown = error.error_type == NumberParseException.INVALID_COUNTRY_CODE
        problem = ValidationResult.INVALID_COUNTRY_CODE if unknown else ValidationResult.TOO_SHORT
        raise ValueError(_PROBLEMS[problem]) from None
