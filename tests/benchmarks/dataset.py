"""Rows in the tables when a contender starts."""

import time

import psycopg

from leopard_local.children import Child

TEMPLATE = "Hi {first_name} {last_name}, {preferred_product} is on offer in {location}! Your number is {phone}."
"""A typical text message: five placeholders, a hundred characters."""

_CUSTOMERS = """
INSERT INTO customers (phone, first_name, last_name, location, preferred_product)
SELECT '+2547' || lpad(n::text, 9, '0'), 'Wanjiru' || n %% 1000, 'Mwangi' || n %% 900, 'Nairobi', 'Running Shoes'
  FROM generate_series((SELECT count(*) FROM customers) + 1, %s) AS n
"""


def ensure_customers(database_url: str, count: int) -> None:
    """Ensure that the table holds `count` customers, with ids 1 to `count`."""
    with psycopg.connect(database_url) as connection:
        connection.execute(_CUSTOMERS, [count])


def create_campaign(database_url: str, messages: int, *, chunk_size: int = 0) -> None:
    """Delete all messages, and create one campaign with messages of ids 1 to `messages`.

    Args:
        database_url: The database.
        messages: Number of messages.
        chunk_size: Number of messages in each chunk; 0 creates no chunks.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("TRUNCATE campaigns RESTART IDENTITY CASCADE")
        row = connection.execute(
            "INSERT INTO campaigns (name, channel, base_template, status) VALUES ('', 'sms', %s, 'sending')"
            " RETURNING id",
            [TEMPLATE],
        ).fetchone()
        assert row is not None
        connection.execute(
            "INSERT INTO outbound_messages (campaign_id, customer_id) SELECT %s, n FROM generate_series(1, %s) AS n",
            [row[0], messages],
        )
        connection.execute(
            "INSERT INTO campaign_counts (campaign_id, shard, total) VALUES (%s, 0, %s)", [row[0], messages]
        )
        if chunk_size:
            connection.execute(
                """
                INSERT INTO campaign_chunks (campaign_id, first_customer_id, last_customer_id)
                SELECT %s, n, LEAST(n + %s - 1, %s) FROM generate_series(1, %s, %s) AS n
                """,
                [row[0], chunk_size, messages, messages, chunk_size],
            )
        connection.execute("VACUUM (ANALYZE) outbound_messages")
        # write dirty pages now, so that the next contender does not pay for them
        connection.execute("CHECKPOINT")


def wait_until_sent(
    connection: psycopg.Connection, count: int, *, children: list[Child], stall_seconds: float
) -> float:
    """Wait until `count` messages are sent. Return the time of the last one, in seconds since the epoch.

    Raises:
        ChildDiedError: A process of the contender ended.
        TimeoutError: No message was sent for `stall_seconds`.
    """
    previous, progressed_at = -1, time.monotonic()
    while True:
        row = connection.execute(
            "SELECT count(*), extract(epoch FROM max(updated_at))::float8 FROM outbound_messages WHERE status = 'sent'"
        ).fetchone()
        assert row is not None
        sent, last = row
        if sent >= count:
            return float(last)
        for child in children:
            child.check()
        now = time.monotonic()
        if sent != previous:
            previous, progressed_at = sent, now
        elif now - progressed_at > stall_seconds:
            tails = "\n".join(child.tail(3) for child in children)
            raise TimeoutError(f"no progress: {sent} of {count} messages are sent:\n{tails}")
        # counting slows the contender down, so a larger number is counted less often
        time.sleep(0.05 + count / 200_000)
