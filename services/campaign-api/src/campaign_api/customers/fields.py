"""The fields that customers have: the columns, and the attributes with the types that they keep."""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, Field

from campaign_api.customers.attributes import FieldProblem, check_type
from leopard.db.attribute_types import known_types
from leopard.db.pool import Connection
from leopard.domain.customer_fields import COLUMNS, FieldType

_COUNT: Final = "SELECT count(*) FROM customer_fields"

# In the order of the names: two requests that bring the same new attributes wait for each other only one way.
_ADD: Final = """
INSERT INTO customer_fields (name, type)
SELECT name, type FROM unnest(%(names)s::text[], %(types)s::text[]) AS given (name, type) ORDER BY name
    ON CONFLICT (name) DO NOTHING
"""

_LIST: Final = """
SELECT fields.name, fields.type, COALESCE(sum(counts.customers), 0)::bigint AS customers
  FROM (SELECT name, type, 'attributes.' || name AS counted FROM customer_fields) AS fields
  LEFT JOIN customer_field_counts AS counts ON counts.field = fields.counted
 GROUP BY fields.name, fields.type
"""

_COUNT_COLUMNS: Final = """
SELECT field, sum(customers)::bigint FROM customer_field_counts WHERE field = ANY(%(columns)s) GROUP BY field
"""


class CustomerField(BaseModel):
    """A field that customers can have."""

    name: str = Field(description="Name of the field", examples=["points"])
    type: FieldType = Field(description="Type of its values; an attribute keeps its first type")
    attribute: bool = Field(
        description="Whether it is a member of `attributes`; `attributes.x` names it where a column is named x too"
    )
    customers: int = Field(description="Number of customers that have a value", examples=[4211])


async def keep_types(connection: Connection, given: Mapping[str, FieldType], *, most: int) -> None:
    """Store the types of new attributes in the caller's transaction, before it locks customers.

    Args:
        connection: Has an open transaction.
        given: The attributes with the types of their values.
        most: How many different attributes there may be.

    Raises:
        FieldProblem: An attribute has another type already, or is one too many.
    """
    known = await settle_types(connection, given, most=most)
    for name, type_ in given.items():
        check_type(name, type_, known[name])


async def settle_types(connection: Connection, given: Mapping[str, FieldType], *, most: int) -> dict[str, FieldType]:
    """Store the types of those attributes that are new; returns the types of all of them.

    Raises:
        FieldProblem: An attribute is one too many.
    """
    known = await known_types(connection, given)
    new = {name: type_ for name, type_ in given.items() if name not in known}
    if not new:
        return known
    cursor = await connection.execute(_COUNT)
    [(count,)] = await cursor.fetchall()
    if count + len(new) > most:
        raise FieldProblem(next(iter(new)), f"is a new attribute, and there may be {most} different ones at most")
    await connection.execute(_ADD, {"names": list(new), "types": list(new.values())})
    # another transaction may have been first, with another type
    return await known_types(connection, given)


async def types_of_new(
    connection: Connection, given: Mapping[str, FieldType], *, most: int, dry_run: bool
) -> dict[str, FieldType]:
    """The types of attributes in an import: stored where they are new, or only looked up.

    Raises:
        FieldProblem: An attribute is one too many.
    """
    if dry_run:
        return {**given, **await known_types(connection, given)}
    async with connection.transaction():
        return await settle_types(connection, given, most=most)


async def list_fields(connection: Connection) -> list[CustomerField]:
    """Every field with its number of customers: the columns, then the attributes by name."""
    cursor = await connection.execute(_COUNT_COLUMNS, {"columns": list(COLUMNS)})
    counts: dict[str, int] = dict(await cursor.fetchall())
    columns = [
        CustomerField(name=name, type=type_, attribute=False, customers=counts.get(name, 0))
        for name, type_ in COLUMNS.items()
    ]
    cursor = await connection.execute(_LIST)
    attributes = [
        CustomerField(name=name, type=FieldType(type_), attribute=True, customers=count)
        for name, type_, count in await cursor.fetchall()
    ]
    return columns + sorted(attributes, key=lambda field: field.name)
