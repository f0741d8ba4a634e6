"""Phone numbers as ITU-T E.164 writes them: a plus sign, then at most 15 digits, the first of them not 0."""

import re
from typing import Final

E164_PATTERN: Final = r"^\+[1-9][0-9]{6,14}\Z"
"""Seven digits at least: no country's numbers are shorter."""

TEST_PREFIX: Final = "+999"
"""What test customers' numbers begin with; E.164 assigns it to nobody, and no audience includes them."""

_E164: Final = re.compile(E164_PATTERN)


def is_e164(phone: str) -> bool:
    """Whether `phone` is written as E.164 demands."""
    return _E164.match(phone) is not None
