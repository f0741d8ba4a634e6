"""The types of attributes that are known. An attribute keeps the type that its first value had."""

from collections.abc import Iterable
from typing import Final

from leopard.db.pool import Connection
from leopard.domain.customer_fields import FieldType

_ALL: Final = "SELECT name, type FROM customer_fields"

_KNOWN: Final = "SELECT name, type FROM customer_fields WHERE name = ANY(%(names)s)"


async def known_types(connection: Connection, names: Iterable[str]) -> dict[str, FieldType]:
    """The types of those of these attributes that are known."""
    listed = list(names)
    if not listed:
        return {}
    cursor = await connection.execute(_KNOWN, {"names": listed})
    return {name: FieldType(type_) for name, type_ in await cursor.fetchall()}


async def all_types(connection: Connection) -> dict[str, FieldType]:
    """The types of all attributes that are known. Their number is limited by a setting."""
    cursor = await connection.execute(_ALL)
    return {name: FieldType(type_) for name, type_ in await cursor.fetchall()}
