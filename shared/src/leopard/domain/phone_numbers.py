"""E.164 phone numbers (ITU-T): a plus sign, then at most 15 digits, the first one not 0."""

import re
from typing import Final

E164_PATTERN: Final = r"^\+[1-9][0-9]{6,14}\Z"
"""At least seven digits: no country has shorter numbers."""

TEST_PREFIX: Final = "+999"
"""The prefix of test customers' numbers. E.164 does not assign it, and no audience includes it."""

_E164: Final = re.compile(E164_PATTERN)


def is_e164(phone: str) -> bool:
    """Whether `phone` is a number in E.164 format."""
    return _E164.match(phone) is not None
