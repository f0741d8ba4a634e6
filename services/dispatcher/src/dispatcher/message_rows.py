"""Message rows of one chunk: the part of planning that is the same wherever the recipients come from."""

from typing import Final

from leopard.db.counts import WRITER_SHARD, adding, shard_of
from leopard.personalization.shares import variant_sql

COUNT_WRITTEN: Final = adding(
    ("total",),
    f"SELECT %(campaign_id)s, {shard_of('variant', WRITER_SHARD)}, count(*) FROM written GROUP BY 2 ORDER BY 2",
)
"""SQL that adds the rows of `written` to the campaign's total."""

WRITE_FREE: Final = f"""
written AS (
    INSERT INTO outbound_messages (campaign_id, customer_id, variant)
    SELECT campaigns.id, free.id, {variant_sql("campaigns.id", "free.id", "campaigns.variant_bounds")}
      FROM free
     CROSS JOIN campaigns
     WHERE campaigns.id = %(campaign_id)s
        ON CONFLICT (campaign_id, customer_id) DO NOTHING
    RETURNING customer_id, variant
)"""
"""SQL that writes the message rows of `free`, each with its variant."""

# The key share lock keeps a customer until the foreign key is checked. Locked customers are skipped, because a wait for
# one would delay all others.
WRITE_RECIPIENTS: Final = f"""
free AS MATERIALIZED (
    SELECT customers.id
      FROM customers
     WHERE customers.id IN (SELECT id FROM recipients)
     ORDER BY customers.id
       FOR KEY SHARE SKIP LOCKED
), {WRITE_FREE}, postponed AS (
    INSERT INTO postponed_recipients (campaign_id, customer_id)
    SELECT %(campaign_id)s, id FROM recipients WHERE id NOT IN (SELECT id FROM free)
        ON CONFLICT DO NOTHING
    RETURNING customer_id
), counted AS (
    {COUNT_WRITTEN}
), chunked AS (
    INSERT INTO campaign_chunks (campaign_id, first_customer_id, last_customer_id)
    SELECT %(campaign_id)s, min(customer_id), max(customer_id) FROM written HAVING count(*) > 0
)
"""
"""SQL that writes the message rows and the chunk of `recipients`, and postpones those whose customers are locked."""
