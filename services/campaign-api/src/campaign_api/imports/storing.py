"""Stores a batch of an import: one COPY and one statement, in the caller's transaction."""

import re
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from campaign_api.customers.attributes import AttributeLimits
from campaign_api.imports.batches import Batch
from campaign_api.imports.customers import TEXT_COLUMNS, ImportedCustomer
from leopard.db.pool import Connection
from leopard.domain.imports import ImportMode

_COLUMNS: Final = ", ".join(TEXT_COLUMNS)

# Imports take turns with their batches, so that two of them never wait for each other's customers.
_TURN: Final = "SELECT pg_advisory_xact_lock(hashtext('leopard import'))"

_STAGE: Final = f"""
CREATE TEMPORARY TABLE imported (
    number bigint, repeated boolean, phone text, {" text, ".join(TEXT_COLUMNS)} text, attributes jsonb, cleared text[]
) ON COMMIT DROP
"""

_COPY: Final = f"COPY imported (number, repeated, phone, {_COLUMNS}, attributes, cleared) FROM STDIN"

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
    SELECT imported.number, imported.repeated, customers.id, {_CHANGED} AS changed,
           octet_length({_AFTER["attributes"]}::text) > %(max_size)s
           OR (SELECT count(*) FROM jsonb_object_keys({_AFTER["attributes"]})) > %(max_count)s AS refused
      FROM imported
      JOIN customers ON customers.phone = imported.phone
)"""

# Customers are locked in the order of their ids, as everywhere.
_UPDATE: Final = f"""
locked AS MATERIALIZED (
    SELECT id
      FROM customers
     WHERE id IN (SELECT id FROM known WHERE changed AND NOT refused)
     ORDER BY id
       FOR NO KEY UPDATE
), updated AS (
    UPDATE customers
       SET {", ".join(f"{column} = {value}" for column, value in _AFTER.items())}, updated_at = now()
      FROM locked
      JOIN known ON known.id = locked.id
      JOIN imported ON imported.number = known.number
     WHERE customers.id = locked.id AND customers.phone = imported.phone AND {_CHANGED}
    RETURNING known.repeated
)"""

# A customer that another transaction creates meanwhile is found by the next try.
_CREATE: Final = f"""
created AS (
    INSERT INTO customers (phone, {_COLUMNS}, attributes)
    SELECT phone, {_COLUMNS}, jsonb_strip_nulls(attributes)
      FROM imported
     WHERE number NOT IN (SELECT number FROM known)
     ORDER BY phone
        ON CONFLICT (phone) DO NOTHING
    RETURNING 1
)"""

_COUNTS: Final = """
SELECT {updated},
       {created},
       ARRAY(SELECT number FROM known WHERE changed AND refused),
       ARRAY(SELECT number FROM imported WHERE number NOT IN (SELECT number FROM known))
"""

_UPDATED: Final = "(SELECT count(*) FROM updated WHERE NOT repeated)"
_WOULD_UPDATE: Final = "(SELECT count(*) FROM known WHERE changed AND NOT refused AND NOT repeated)"
_CREATED: Final = "(SELECT count(*) FROM created)"
_WOULD_CREATE: Final = """
(SELECT count(*) FROM imported WHERE NOT repeated AND number NOT IN (SELECT number FROM known))
"""

REFUSED: Final = "the customer would have too many attributes, or too large ones"
UNKNOWN: Final = "no customer has this phone number"

_SPECIAL: Final = re.compile(r"[\\\n\r\t]")
_ESCAPED: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch. Each row that was not rejected before is counted once."""

    created: int
    updated: int
    unchanged: int
    duplicates: int
    refused: dict[int, str]
    """Reasons by the numbers of rows that the table refused."""


async def store(
    connection: Connection, batch: Batch, mode: ImportMode, limits: AttributeLimits, *, dry_run: bool
) -> Stored:
    """Write the customers of a batch, or only compare them."""
    await connection.execute(_TURN)
    await connection.execute(_STAGE)
    async with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        await copy.write("".join(_line(customer, batch.repeated) for customer in batch.customers))
    statement = _statement(mode, dry_run=dry_run)
    created = updated = 0
    while True:
        answer = await connection.execute(statement, {"max_size": limits.size, "max_count": limits.count})
        [(newly_updated, newly_created, refused, missing)] = await answer.fetchall()
        created += newly_created
        updated += newly_updated
        if dry_run or mode is ImportMode.UPDATE_ONLY or newly_created == len(missing):
            break
    reasons: dict[int, str] = {} if mode is ImportMode.CREATE_ONLY else dict.fromkeys(refused, REFUSED)
    if mode is ImportMode.UPDATE_ONLY:
        reasons |= dict.fromkeys(missing, UNKNOWN)
    again = sum(customer.phone in batch.repeated for customer in batch.customers if customer.number in reasons)
    duplicates = batch.duplicates - again
    unchanged = len(batch.customers) - len(batch.repeated) - created - updated - (len(reasons) - again)
    return Stored(created, updated, max(unchanged, 0), duplicates, reasons)


def _statement(mode: ImportMode, *, dry_run: bool) -> sql.SQL:
    parts, updated, created = [_KNOWN], "0", "0"
    if mode is not ImportMode.CREATE_ONLY:
        updated = _WOULD_UPDATE if dry_run else _UPDATED
        parts += [] if dry_run else [_UPDATE]
    if mode is not ImportMode.UPDATE_ONLY:
        created = _WOULD_CREATE if dry_run else _CREATED
        parts += [] if dry_run else [_CREATE]
    counts = _COUNTS.format(updated=updated, created=created)
    return sql.SQL(f"WITH {', '.join(parts)} {counts}")


def _line(customer: ImportedCustomer, repeated: set[str]) -> str:
    """A row of the text format of COPY."""
    cleared = f"{{{','.join(customer.cleared)}}}"
    values = [str(customer.number), "t" if customer.phone in repeated else "f", customer.phone]
    for value in (*customer.texts, customer.attributes):
        if value is None:
            values.append("\\N")
        else:
            values.append(value.translate(_ESCAPED) if _SPECIAL.search(value) else value)
    values.append(cleared)
    return "\t".join(values) + "\n"
