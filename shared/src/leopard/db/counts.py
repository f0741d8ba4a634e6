"""Campaign counts: their columns, their shards, the one upsert and the one sum (docs/adr/0005).

A campaign has several rows of counts, so that many writers do not wait for one row. The statement that changes
messages also adds to one of these rows.
"""

from typing import Final

COUNTS: Final = ("total", "sent", "failed", "cancelled", "retries", "unknown_outcomes")
"""What is counted of a campaign's messages, by column."""

WRITER_SHARD: Final = 0
"""The row for those who write messages or finish them without a worker."""

WORKER_SHARDS: Final = range(1, 8)
"""The rows for workers; each worker uses one of them."""


def adding(columns: tuple[str, ...], select: str) -> str:
    """The statement that adds to counts, as part of a larger one.

    Args:
        columns: The counts that are added to.
        select: Gives a campaign id, a shard and one number for each of the columns, in this order.
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
    """The query for all counts of one campaign, one row.

    Args:
        campaign_id: An SQL expression for its id.
    """
    return f"SELECT {_SUMS} FROM campaign_counts WHERE campaign_id = {campaign_id}"
