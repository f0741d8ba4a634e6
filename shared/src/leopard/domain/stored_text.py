"""The rule for texts that PostgreSQL can store. Stored values and search values follow the same rule."""

import re
from typing import Final

MAX_TEXT: Final = 1000
"""The maximum length of a customer's field, in characters."""

UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
"""Characters that PostgreSQL cannot store."""


def storable(text: str) -> str:
    """Return the text unchanged.

    Raises:
        ValueError: PostgreSQL cannot store it; says why.
    """
    if UNSTORABLE.search(text) is None:
        return text
    nul, surrogate = "must not contain a NUL character", "must be valid Unicode (it holds half of a surrogate pair)"
    raise ValueError(nul if "\0" in text else surrogate)
