"""The names of fields in templates: columns, known attributes, and `attributes.` with the name of any attribute."""

from collections.abc import Iterable
from typing import Final

from leopard.domain.customer_fields import COLUMNS, FIELD_NAME

FIELDS: Final = ("first_name", "last_name", "location", "preferred_product", "phone")
"""The fields that templates of the first version could use."""

PLAIN_FIELDS: Final = frozenset(FIELDS)

_PREFIX: Final = "attributes."


def known_names(attributes: Iterable[str]) -> frozenset[str]:
    """The names that a template can use, where an installation has these attributes."""
    return frozenset(COLUMNS) | frozenset(attributes)


def is_attribute_path(name: str) -> bool:
    """Whether a name is `attributes.` and the name of an attribute."""
    return name.startswith(_PREFIX) and FIELD_NAME.fullmatch(name, len(_PREFIX)) is not None


def attribute_of(name: str) -> str | None:
    """The attribute that a name in a template stands for; None for a column. A column wins over an attribute."""
    return None if name in COLUMNS else name.removeprefix(_PREFIX)
