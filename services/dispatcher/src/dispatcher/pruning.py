"""Deletes rows that are no longer needed, and adds up counts."""

from typing import Final

from leopard.db.pool import Connection

ADDED_UP_AT_A_TIME: Final = 10_000

# A key that a request has locked is skipped.
_DELETE_KEYS: Final = """
WITH expired AS (
    SELECT key, endpoint
      FROM idempotency_keys
     WHERE created_at < now() - interval '24 hours'
     ORDER BY key, endpoint
       FOR UPDATE SKIP LOCKED
)
DELETE FROM idempotency_keys AS kept
 USING expired
 WHERE kept.key = expired.key AND kept.endpoint = expired.endpoint
"""

_DELETE_PROVIDERS: Final = """
WITH unused AS (
    SELECT provider
      FROM provider_states
     WHERE updated_at < now() - interval '1 day'
     ORDER BY provider
       FOR UPDATE SKIP LOCKED
)
DELETE FROM provider_states USING unused WHERE provider_states.provider = unused.provider
"""

# Every write to customers adds rows of its own, so that no writer waits for another. Adds up those of fields that have
# several, and skips rows that another dispatcher is adding up.
_ADD_UP_FIELDS: Final = f"""
WITH several AS (
    SELECT field FROM customer_field_counts GROUP BY field HAVING count(*) > 1
), taken AS (
    SELECT id
      FROM customer_field_counts
     WHERE field IN (SELECT field FROM several)
     ORDER BY id
     LIMIT {ADDED_UP_AT_A_TIME}
       FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM customer_field_counts AS counts USING taken WHERE counts.id = taken.id RETURNING field, customers
), added AS (
    INSERT INTO customer_field_counts (field, customers)
    SELECT field, sum(customers) FROM removed GROUP BY field HAVING sum(customers) <> 0
)
SELECT count(*) FROM removed
"""


async def add_up_field_counts(connection: Connection) -> None:
    """Replace the many counts of each customer field by their sum."""
    while True:
        cursor = await connection.execute(_ADD_UP_FIELDS)
        [(removed,)] = await cursor.fetchall()
        if removed < ADDED_UP_AT_A_TIME:
            return


async def forget_providers(connection: Connection) -> None:
    """Delete providers that no worker has used for a day."""
    await connection.execute(_DELETE_PROVIDERS)


async def forget_idempotency_keys(connection: Connection) -> None:
    """Delete the idempotency keys of requests that are older than a day."""
    await connection.execute(_DELETE_KEYS)
