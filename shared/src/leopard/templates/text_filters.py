"""Filters of texts."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote

ELLIPSIS: Final = "..."
"""Three dots: the single character for them would force an SMS into UCS-2."""

MAX_URL_PART: Final = 1_000
"""The characters that `urlencode` takes. No column holds more, and few URLs."""

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


# recipients of one campaign share many values: the same product, the same city
@lru_cache(maxsize=4096)
def titlecase(text: str) -> str:
    """Each word with a capital letter first and small letters after it. `mary-jane o'brien` is `Mary-Jane O'brien`."""
    return _WORD.sub(lambda word: word.group()[0].upper() + word.group()[1:].lower(), text)


def capitalize(text: str) -> str:
    """The text with a capital letter first. The rest stays."""
    return text[:1].upper() + text[1:]


def truncate(text: str, length: int, ending: str) -> str:
    """At most `length` characters. A text that is cut ends with `ending`, where there is room for it."""
    if len(text) <= length:
        return text
    if len(ending) >= length:
        return text[:length]
    return text[: length - len(ending)].rstrip() + ending


def urlencode(text: str) -> str:
    """The text as part of a URL: all but letters of ASCII, digits and `_.-~` as the %XX of its UTF-8 bytes.

    The text is cut after 1,000 characters, because each of them may become twelve.
    """
    return quote(text[:MAX_URL_PART], safe="", errors="replace")
