"""What a text must be so that PostgreSQL can keep it. What may be stored may also be asked for, by the same rule."""

from typing import Final

MAX_TEXT: Final = 1000
"""The longest value of a customer's field, in characters."""


def storable(text: str) -> str:
    """The text itself.

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
