"""Campaign counts: their columns, their shards, and the only upsert and sum (docs/adr/0005).

A campaign has several rows of counts, so that writers do not wait for the same row. The statement that changes messages
also adds to one of these rows.
"""

from typing import Final

COUNTS: Final = ("total", "sent", "failed", "cancelled", "retries", "unknown_outcomes", "held_out")
"""The columns of counts."""

WRITER_SHARD: Final = 0
"""The row for code that creates messages or finishes them without a worker."""

WORKER_SHARDS: Final = range(1, 8)
"""The rows for workers. Each worker uses one of them."""


SHARDS: Final = 8
"""The number of rows of each variant. Variant 2 has the rows from 16 on; messages without a variant have the first."""


def shard_of(variant: str, shard: str | int) -> str:
    """SQL for the row of a variant's counts.

    Args:
        variant: An SQL expression for the number of the variant, which may be null.
        shard: The row for messages without a variant.
    """
    return f"({shard} + {SHARDS} * COALESCE({variant}, 0))"


def adding(columns: tuple[str, ...], select: str) -> str:
    """SQL that adds to counts, for use in a larger statement.

    Args:
        columns: The counts to add to.
        select: A query for campaign id, shard, and one number for each of the columns, in this order.
    """
    unknown = set(columns) - set(COUNTS)
    if unknown:
        msg = f"there is no count {', '.join(sorted(unknown))}"
        raise ValueError(msg)
    added = ", ".join(f"{column} = counts.{column} + excluded.{column}" for column in columns)
    return f"""
    INSERT INTO campaign_counts AS counts (campaign_id, shard, {", ".join(columns)})
    {select}
        ON CONFLICT (campaign_id, shard) DO UPDATE SET {added}
    """


_SUMS: Final = ", ".join(f"COALESCE(sum({column}), 0)::bigint AS {column}" for column in COUNTS)


def sum_of_counts(campaign_id: str) -> str:
    """SQL for all counts of one campaign, as one row.

    Args:
        campaign_id: An SQL expression for its id.
    """
    return f"SELECT {_SUMS} FROM campaign_counts WHERE campaign_id = {campaign_id}"


def sums_of_variants(campaign_id: str) -> str:
    """SQL for all counts of each variant of a campaign, as one row a variant; 0 is for messages without a variant.

    Args:
        campaign_id: An SQL expression for its id.
    """
    return f"""
    SELECT shard / {SHARDS} AS variant, {_SUMS}
      FROM campaign_counts
     WHERE campaign_id = {campaign_id}
     GROUP BY 1
     ORDER BY 1
    """
