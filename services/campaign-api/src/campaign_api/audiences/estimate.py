"""The estimate of an audience: its number of customers, examples, and how many lack a value of each field."""

from typing import Any, Final

from psycopg.rows import class_row
from pydantic import BaseModel, Field

from campaign_api.customers.queries import COLUMNS
from campaign_api.customers.schemas import Customer
from leopard.audiences.model import Audience
from leopard.audiences.selection import Selection, select_audience
from leopard.db.pool import Connection

EXACT_UP_TO: Final = 1_000_000
"""Larger audiences are estimated from a part of the table."""

COUNTED_FIELDS: Final = 20_000
"""About how many customers of the audience are read for their fields."""

EXAMPLES: Final = 5


class Estimate(BaseModel):
    """An audience in numbers."""

    count: int = Field(description="Number of customers", examples=[4211])
    exact: bool = Field(
        description=f"Whether the number is exact; above {EXACT_UP_TO:,} customers it is an estimate", examples=[True]
    )
    examples: list[Customer] = Field(description=f"Up to {EXAMPLES} of the customers")
    empty_fields: dict[str, int] = Field(
        description=(
            "Number of customers without a value, by field; fields that all of them have are absent."
            f" Above {COUNTED_FIELDS:,} customers these numbers are estimates."
        ),
        examples=[{"first_name": 12, "points": 3044}],
    )


_COUNT: Final = """
SELECT count(*) FROM (SELECT FROM customers WHERE {condition} LIMIT %(most)s) AS counted
"""

_EXAMPLES: Final = f"SELECT {COLUMNS} FROM customers WHERE {{condition}} LIMIT %(limit)s"

# whole pages of the table, the same ones each time
_SAMPLE: Final = "TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (0)"

# An attribute that is named like a column is shown with its prefix.
_COUNT_FIELDS: Final = """
WITH counted AS MATERIALIZED (
    SELECT first_name, last_name, location, preferred_product, preferred_language, time_zone, attributes
      FROM customers {sample}
     WHERE {condition}
), columns AS (
    SELECT count(*) AS total, count(first_name) AS first_name, count(last_name) AS last_name,
           count(location) AS location, count(preferred_product) AS preferred_product,
           count(preferred_language) AS preferred_language, count(time_zone) AS time_zone
      FROM counted
), attribute_values AS (
    SELECT name, count(*) AS customers
      FROM counted
     CROSS JOIN LATERAL jsonb_object_keys(attributes) AS name
     GROUP BY name
)
SELECT columns.total, field.name, columns.total - field.customers AS empty
  FROM columns
 CROSS JOIN LATERAL (
       VALUES ('phone', total), ('first_name', first_name), ('last_name', last_name), ('location', location),
              ('preferred_product', preferred_product), ('preferred_language', preferred_language),
              ('time_zone', time_zone)
       ) AS field (name, customers)
 UNION ALL
SELECT columns.total,
       CASE WHEN name = ANY(%(columns)s) THEN 'attributes.' || name ELSE name END,
       columns.total - COALESCE(attribute_values.customers, 0)
  FROM columns
 CROSS JOIN customer_fields
  LEFT JOIN attribute_values USING (name)
"""


async def estimate_audience(connection: Connection, audience: Audience) -> Estimate:
    """Count an audience as a send would select it now.

    Raises:
        SegmentNotFoundError: A segment of the audience does not exist.
        FilterError: A filter does not fit the fields of customers.
    """
    selection = await select_audience(connection, audience)
    found = await _count(connection, selection)
    exact = found <= EXACT_UP_TO
    percent = 100 * COUNTED_FIELDS / max(found, COUNTED_FIELDS)
    read, empty = await _count_fields(connection, selection, percent)
    count = found if exact else max(round(read * 100 / percent), found)
    if selection.limit is not None and count >= selection.limit:
        count, exact = selection.limit, True
    return Estimate(
        count=count,
        exact=exact,
        examples=await _examples(connection, selection, min(EXAMPLES, count)),
        empty_fields={name: round(customers * count / read) for name, customers in empty.items() if customers},
    )


async def _count(connection: Connection, selection: Selection) -> int:
    statement = _COUNT.format(condition=selection.condition)
    cursor = await connection.execute(statement, {**selection.parameters, "most": EXACT_UP_TO + 1})
    [(count,)] = await cursor.fetchall()
    return int(count)


async def _count_fields(connection: Connection, selection: Selection, percent: float) -> tuple[int, dict[str, int]]:
    """How many customers were read, and how many of these have no value of each field."""
    parameters: dict[str, Any] = {**selection.parameters, "percent": percent, "columns": list(Customer.model_fields)}
    # a sample of the whole table could use no index
    sample = _SAMPLE if percent < 100 else ""
    cursor = await connection.execute(_COUNT_FIELDS.format(condition=selection.condition, sample=sample), parameters)
    found = await cursor.fetchall()
    return found[0][0], {name: customers for _, name, customers in found}


async def _examples(connection: Connection, selection: Selection, limit: int) -> list[Customer]:
    async with connection.cursor(row_factory=class_row(Customer)) as cursor:
        statement = _EXAMPLES.format(condition=selection.condition)
        await cursor.execute(statement, {**selection.parameters, "limit": limit})
        return await cursor.fetchall()
