"""Stored audiences: shown in any form, and read if this version knows the form."""

import json
import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ValidationError

from leopard.audiences.model import Audience

_DEEPEST: Final = 100
"""Deeper than any audience; a value that is much deeper cannot be written as JSON."""

_BRACKET_OR_TEXT: Final = re.compile(r'[\[{\]}]|"(?:[^"\\]|\\.)*"')


def _shown(stored: Any) -> Any:  # noqa: ANN401 whatever is stored
    """The JSON value of a text in the database, or the text itself if it is not JSON."""
    if not isinstance(stored, str) or _depth(stored) > _DEEPEST:
        return stored
    try:
        return json.loads(stored)
    except ValueError:
        return stored


def _depth(written: str) -> int:
    """How deep the arrays and objects of a JSON text are nested. Brackets inside its texts do not count."""
    depth = deepest = 0
    for found in _BRACKET_OR_TEXT.finditer(written):
        if (mark := found[0]) in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


StoredJson = Annotated[Any, BeforeValidator(_shown)]
"""The text of a JSON value, which an older or newer version may have written."""

StoredAudience = Annotated[Any, BeforeValidator(_shown)]
"""The value of `audience::text`, which an older or newer version may have written."""


def known_audience(stored: Any) -> Audience | None:  # noqa: ANN401
    """The audience in this version's form; null where there is none.

    Raises:
        ValueError: This version does not know its form.
    """
    if stored is None:
        return None
    try:
        return Audience.model_validate(stored)
    except ValidationError:
        msg = "this version does not know the form of its audience"
        raise ValueError(msg) from None
