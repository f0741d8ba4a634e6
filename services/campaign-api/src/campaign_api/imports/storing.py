"""Stores a batch of an import, in the caller's transaction.

New customers are copied into their table. Those that exist are copied beside it, and one statement compares them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from psycopg import errors, sql

from campaign_api.customers.attributes import AttributeLimits
from campaign_api.imports.batches import Batch
from campaign_api.imports.customers import TEXT_COLUMNS, ImportedCustomer
from leopard.db.pool import Connection
from leopard.domain.imports import ImportMode

_COLUMNS: Final = ", ".join(TEXT_COLUMNS)

# Imports take turns with their batches, so that two of them never wait for each other's customers. The planner has no
# statistics of a temporary table: what is not looked up by an index (LATERAL) is joined by hashes. A batch's commit
# need not wait for the disk: that of the import's end does, and makes all before it durable.
_TURN: Final = """
SELECT pg_advisory_xact_lock(hashtext('leopard import')), set_config('enable_nestloop', 'off', true),
       set_config('synchronous_commit', 'off', true)
"""

_STAGE: Final = f"""
CREATE TEMPORARY TABLE imported (
    number bigint, phone text, {" text, ".join(TEXT_COLUMNS)} text, attributes jsonb, cleared text[]
) ON COMMIT DROP
"""

_COPY: Final = f"COPY imported (number, phone, {_COLUMNS}, attributes, cleared) FROM STDIN"

_COPY_NEW: Final = f"COPY customers (phone, {_COLUMNS}, attributes) FROM STDIN"

# texts, because psycopg takes long to read arrays
_EXISTING: Final = """
SELECT string_agg(given.phone, ',')
  FROM unnest(%(phones)s::text[]) AS given (phone)
 CROSS JOIN LATERAL (SELECT FROM customers WHERE customers.phone = given.phone LIMIT 1) AS existing
"""

_AFTER: Final = {
    **{
        column: f"CASE WHEN '{column}' = ANY(imported.cleared) THEN NULL"
        f" ELSE COALESCE(imported.{column}, customers.{column}) END"
        for column in TEXT_COLUMNS
    },
    "attributes": "jsonb_strip_nulls(customers.attributes || imported.attributes)",
}
"""The values of a customer after the import, by their columns."""

_CHANGED: Final = f"""
(customers.{", customers.".join(_AFTER)}) IS DISTINCT FROM ({", ".join(_AFTER.values())})
"""

_KNOWN: Final = f"""
known AS MATERIALIZED (
    SELECT imported.number, customers.id, {_CHANGED} AS changed,
           octet_length({_AFTER["attributes"]}::text) > %(max_size)s
           OR (SELECT count(*) FROM jsonb_object_keys({_AFTER["attributes"]})) > %(max_count)s AS refused
      FROM imported
     CROSS JOIN LATERAL (SELECT * FROM customers WHERE customers.phone = imported.phone LIMIT 1) AS customers
)"""

# Customers are locked in the order of their ids, as everywhere.
_UPDATE: Final = f"""
locked AS MATERIALIZED (
    SELECT found.id
      FROM (SELECT id FROM known WHERE changed AND NOT refused ORDER BY id) AS wanted
     CROSS JOIN LATERAL (SELECT id FROM customers WHERE customers.id = wanted.id FOR NO KEY UPDATE) AS found
), updated AS (
    UPDATE customers
       SET {", ".join(f"{column} = {value}" for column, value in _AFTER.items())}, updated_at = now()
      FROM locked
      JOIN known ON known.id = locked.id
      JOIN imported ON imported.number = known.number
     WHERE customers.id = ANY(ARRAY(SELECT id FROM locked)) AND customers.id = locked.id
       AND customers.phone = imported.phone AND {_CHANGED}
    RETURNING known.number
)"""

_RESULTS: Final = """
SELECT {updated}, (SELECT string_agg(number::text, ',') FROM known WHERE changed AND refused)
"""

_UPDATED: Final = "(SELECT string_agg(number::text, ',') FROM updated)"
_WOULD_UPDATE: Final = "(SELECT string_agg(number::text, ',') FROM known WHERE changed AND NOT refused)"

REFUSED: Final = "the customer would have too many attributes, or too large ones"
UNKNOWN: Final = "no customer has this phone number"

_ESCAPED: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


@dataclass(slots=True)
class Stored:
    """What became of the customers of a batch. Those that are nowhere here were unchanged."""

    created: set[str] = field(default_factory=set)
    """Phone numbers."""
    updated: set[int] = field(default_factory=set)
    """Numbers of rows, as in `refused`."""
    refused: dict[int, str] = field(default_factory=dict)
    """Reasons why the table refused a row."""


async def store(
    connection: Connection, batch: Batch, mode: ImportMode, limits: AttributeLimits, *, dry_run: bool
) -> Stored:
    """Write the customers of a batch, or only compare them."""
    await connection.execute(_TURN)
    stored = Stored()
    while True:
        existing = await _existing(connection, batch.customers)
        new = [customer for customer in batch.customers if customer.phone not in existing]
        if mode is ImportMode.UPDATE_ONLY:
            stored.refused = {customer.number: UNKNOWN for customer in new}
        elif dry_run or await _create(connection, new):
            stored.created = {customer.phone for customer in new}
        else:
            continue
        break
    if existing and mode is not ImportMode.CREATE_ONLY:
        known = [customer for customer in batch.customers if customer.phone in existing]
        await _update(connection, known, limits, stored, dry_run=dry_run)
    return stored


async def _existing(connection: Connection, customers: Sequence[ImportedCustomer]) -> set[str]:
    """The phone numbers that customers in the table have."""
    phones = f"{{{','.join([customer.phone for customer in customers])}}}"
    answer = await connection.execute(_EXISTING, {"phones": phones})
    [(listed,)] = await answer.fetchall()
    return set(listed.split(",")) if listed else set()


async def _create(connection: Connection, customers: list[ImportedCustomer]) -> bool:
    """Create customers; False where another transaction has created one of them meanwhile."""
    if not customers:
        return True
    # one order of numbers, so that two transactions do not wait for each other's
    customers.sort(key=attrgetter("phone"))
    try:
        async with connection.transaction(), connection.cursor() as cursor, cursor.copy(_COPY_NEW) as copy:
            await copy.write("".join(map(_line, customers)))
    except errors.UniqueViolation:
        return False
    return True


async def _update(
    connection: Connection,
    customers: Sequence[ImportedCustomer],
    limits: AttributeLimits,
    stored: Stored,
    *,
    dry_run: bool,
) -> None:
    """Compare customers with those in the table, and update them unless it is a dry run."""
    await connection.execute(_STAGE)
    async with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        await copy.write("".join(map(_staged_line, customers)))
    parts, updated = ([_KNOWN], _WOULD_UPDATE) if dry_run else ([_KNOWN, _UPDATE], _UPDATED)
    # constants of this file; values are parameters
    statement = sql.SQL(f"WITH {', '.join(parts)} {_RESULTS.format(updated=updated)}")
    answer = await connection.execute(statement, {"max_size": limits.size, "max_count": limits.count})
    [(numbers, refused)] = await answer.fetchall()
    stored.updated.update(map(int, numbers.split(",") if numbers else ()))
    stored.refused |= dict.fromkeys(map(int, refused.split(",") if refused else ()), REFUSED)


def _line(customer: ImportedCustomer) -> str:
    """A row of the text format of COPY: a new customer."""
    return f"{customer.phone}\t{_copied(customer.texts, customer.attributes_if_new)}\n"


def _staged_line(customer: ImportedCustomer) -> str:
    cleared = f"{{{','.join(customer.cleared)}}}"
    return f"{customer.number}\t{customer.phone}\t{_copied(customer.texts, customer.attributes)}\t{cleared}\n"


def _copied(texts: Sequence[str | None], attributes: str) -> str:
    values = [*texts, attributes]
    if None not in values:
        joined = "\t".join(values)  # type: ignore[arg-type]
        # cells rarely hold what COPY escapes; a tab more than between the columns is one
        if "\\" not in joined and "\n" not in joined and "\r" not in joined and joined.count("\t") == len(texts):
            return joined
    return "\t".join(["\\N" if value is None else value.translate(_ESCAPED) for value in values])
