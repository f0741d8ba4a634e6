"""The rule for texts that PostgreSQL can store. Stored values and search values follow the same rule."""

from typing import Final

MAX_TEXT: Final = 1000
"""The maximum length of a customer's field, in characters."""


def storable(text: str) -> str:
    """Return the text unchanged.

    Raises:
        ValueError: PostgreSQL cannot store it; says why.
    """
    if "\0" in text:
        msg = "must not contain a NUL character"
        raise ValueError(msg)
    try:
        text.encode()
    except UnicodeEncodeError:
        msg = "must be valid Unicode (it holds half of a surrogate pair)"
        raise ValueError(msg) from None
    return text
