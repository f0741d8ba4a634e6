"""An audience as it is stored: shown whatever it is, and read where this version knows its form."""

import json
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ValidationError

from leopard.audiences.model import Audience

_MOST_BRACKETS: Final = 100
"""More than any audience has; what nests deeper cannot be written as an answer."""


def _shown(stored: Any) -> Any:  # noqa: ANN401 whatever is stored
    """The JSON value that a text of the database stands for, or the text where it cannot be read as one."""
    if not isinstance(stored, str) or stored.count("{") + stored.count("[") > _MOST_BRACKETS:
        return stored
    try:
        return json.loads(stored)
    except ValueError:
        return stored


StoredAudience = Annotated[Any, BeforeValidator(_shown)]
"""What a row's `audience::text` stands for; an older or newer version may have written it."""


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
