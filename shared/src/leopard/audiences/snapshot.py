"""The snapshot of an audience at its send: stores the ids of its customers. Writes no message rows.

One statement reads all customers as they are at its begin. A customer who is created or changed afterwards neither
joins nor leaves. See docs/adr/0023.
"""

from typing import Final

from psycopg.types.json import Jsonb

from leopard.audiences.model import Audience
from leopard.audiences.selection import Selection, select_audience
from leopard.db.counts import WRITER_SHARD, adding
from leopard.db.pool import Connection
from leopard.domain.formats import FIXED_RECIPIENTS_FORMAT
from leopard.personalization.shares import held_out_sql

# The hash is part of PostgreSQL's format of hash partitions, so it is the same on every server and in every version.
SAMPLE: Final = "ORDER BY hashint8extended(customers.id, %(campaign_id)s) LIMIT %(limit)s"


_HELD_OUT: Final = held_out_sql("%(campaign_id)s::bigint", "customers.id", "%(holdout_share)s::float8")

_COUNT_HELD_OUT: Final = adding(
    ("held_out",), f"SELECT %(campaign_id)s, {WRITER_SHARD}, held_out FROM whole WHERE held_out > 0"
)


# One array of all ids is cut into parts: to number and group the ids takes three times as long.
def _begin(selection: Selection) -> str:
    return f"""
WITH chosen AS (
    SELECT customers.id, {_HELD_OUT} AS held_out
      FROM customers
     WHERE {selection.condition}
     {"" if selection.limit is None else SAMPLE}
), whole AS MATERIALIZED (
    SELECT array_agg(id ORDER BY id) FILTER (WHERE NOT held_out) AS ids,
           count(*) FILTER (WHERE held_out) AS held_out
      FROM chosen
), stored AS (
    INSERT INTO audience_recipients (campaign_id, last_id, customer_ids)
    SELECT %(campaign_id)s, ids[LEAST(first + %(chunk_size)s - 1, cardinality(ids))],
           ids[first : first + %(chunk_size)s - 1]
      FROM whole
     CROSS JOIN LATERAL generate_series(1, cardinality(ids), %(chunk_size)s) AS first
    RETURNING last_id, cardinality(customer_ids) AS customers
), counted AS (
    SELECT COALESCE(sum(customers), 0) AS customers, COALESCE(max(last_id), 0) AS last_id
      FROM stored
), left_out AS (
    {_COUNT_HELD_OUT}
)
UPDATE campaigns
   SET audience = %(audience)s,
       audience_last_id = counted.last_id,
       audience_planned_to = 0,
       audience_unplanned = counted.customers,
       format = GREATEST(format, {FIXED_RECIPIENTS_FORMAT})
  FROM counted
 WHERE campaigns.id = %(campaign_id)s
RETURNING counted.customers
"""


async def begin_audience_send(connection: Connection, campaign_id: int, audience: Audience, *, chunk_size: int) -> int:
    """Store the campaign's audience and the ids of its recipients in the caller's transaction; returns their number.

    Customers of the hold-out are only counted.

    Args:
        connection: Has an open transaction, which has locked the campaign.
        campaign_id: The campaign.
        audience: Its audience.
        chunk_size: How many ids one row holds.

    Raises:
        SegmentNotFoundError: A segment of the audience does not exist.
        FilterError: A filter does not fit the fields of customers.
    """
    selection = await select_audience(connection, audience)
    cursor = await connection.execute(
        _begin(selection),
        {
            **selection.parameters,
            "campaign_id": campaign_id,
            "audience": Jsonb(audience.stored()),
            "chunk_size": chunk_size,
            "limit": selection.limit,
            "holdout_share": await _holdout_share(connection, campaign_id),
        },
    )
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 the caller has locked the campaign's row
    return int(row[0])


async def _holdout_share(connection: Connection, campaign_id: int) -> float:
    cursor = await connection.execute("SELECT holdout_share FROM campaigns WHERE id = %s", (campaign_id,))
    row = await cursor.fetchone()
    return 0.0 if row is None else float(row[0])
