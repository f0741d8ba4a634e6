"""Stores a batch of an import: one COPY and one statement, in the caller's transaction."""

import re
from dataclasses import dataclass, field
from typing import Final

from psycopg import sql

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

# A customer that another transaction creates meanwhile is found by the next try.
_CREATE: Final = f"""
created AS (
    INSERT INTO customers (phone, {_COLUMNS}, attributes)
    SELECT phone, {_COLUMNS}, jsonb_strip_nulls(attributes)
      FROM imported
     WHERE number NOT IN (SELECT number FROM known)
     ORDER BY phone COLLATE "C"
        ON CONFLICT (phone) DO NOTHING
    RETURNING phone
)"""

_RESULTS: Final = """
SELECT {updated},
       {created},
       (SELECT string_agg(number::text, ',') FROM known WHERE changed AND refused),
       (SELECT string_agg(number::text, ',') FROM imported WHERE number NOT IN (SELECT number FROM known))
"""

# texts, because psycopg takes long to read arrays
_NONE: Final = "NULL::text"
_UPDATED: Final = "(SELECT string_agg(number::text, ',') FROM updated)"
_WOULD_UPDATE: Final = "(SELECT string_agg(number::text, ',') FROM known WHERE changed AND NOT refused)"
_CREATED: Final = "(SELECT string_agg(phone, ',') FROM created)"
_WOULD_CREATE: Final = """
(SELECT string_agg(phone, ',') FROM imported WHERE number NOT IN (SELECT number FROM known))
"""

REFUSED: Final = "the customer would have too many attributes, or too large ones"
UNKNOWN: Final = "no customer has this phone number"

_SPECIAL: Final = re.compile(r"[\\\n\r\t]")
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
    await connection.execute(_STAGE)
    async with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        await copy.write("".join(map(_line, batch.customers)))
    statement = _statement(mode, dry_run=dry_run)
    stored = Stored()
    while True:
        answer = await connection.execute(statement, {"max_size": limits.size, "max_count": limits.count})
        [listed] = await answer.fetchall()
        updated, created, refused, missing = (text.split(",") if text else [] for text in listed)
        stored.updated.update(map(int, updated))
        stored.created.update(created)
        if dry_run or mode is ImportMode.UPDATE_ONLY or len(created) == len(missing):
            break
    if mode is not ImportMode.CREATE_ONLY:
        stored.refused = dict.fromkeys(map(int, refused), REFUSED)
    if mode is ImportMode.UPDATE_ONLY:
        stored.refused |= dict.fromkeys(map(int, missing), UNKNOWN)
    return stored


def _statement(mode: ImportMode, *, dry_run: bool) -> sql.SQL:
    parts, updated, created = [_KNOWN], _NONE, _NONE
    if mode is not ImportMode.CREATE_ONLY:
        updated = _WOULD_UPDATE if dry_run else _UPDATED
        parts += [] if dry_run else [_UPDATE]
    if mode is not ImportMode.UPDATE_ONLY:
        created = _WOULD_CREATE if dry_run else _CREATED
        parts += [] if dry_run else [_CREATE]
    # constants of this file; values are parameters
    return sql.SQL(f"WITH {', '.join(parts)} {_RESULTS.format(updated=updated, created=created)}")


def _line(customer: ImportedCustomer) -> str:
    """A row of the text format of COPY."""
    values = [*customer.texts, customer.attributes]
    written = [value for value in values if value is not None]
    if len(written) < len(values) or _SPECIAL.search("".join(written)):
        written = ["\\N" if value is None else value.translate(_ESCAPED) for value in values]
    joined = "\t".join(written)
    cleared = f"{{{','.join(customer.cleared)}}}" if customer.cleared else "{}"
    return f"{customer.number}\t{customer.phone}\t{joined}\t{cleared}\n"
