"""What is in the tables when a contender begins."""

import time

import psycopg

from leopard_local.children import Child

TEMPLATE = "Hi {first_name} {last_name}, {preferred_product} is on offer in {location}! Your number is {phone}."
"""Five placeholders, a hundred characters: an ordinary text message."""

_CUSTOMERS = """
INSERT INTO customers (phone, first_name, last_name, location, preferred_product)
SELECT '+2547' || lpad(n::text, 9, '0'), 'Wanjiru' || n %% 1000, 'Mwangi' || n %% 900, 'Nairobi', 'Running Shoes'
  FROM generate_series((SELECT count(*) FROM customers) + 1, %s) AS n
"""


def have_customers(database_url: str, count: int) -> None:
    """See that there are so many customers; their ids are 1 to `count`."""
    with psycopg.connect(database_url) as connection:
        connection.execute(_CUSTOMERS, [count])


def begin_campaign(database_url: str, messages: int, *, with_chunks_of: int = 0) -> None:
    """Forget every message, and write new ones for one campaign; their ids are 1 to `messages`.

    Args:
        database_url: Where.
        messages: How many.
        with_chunks_of: Size of the chunks for a dispatcher; 0 makes no chunks.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "TRUNCATE outbound_messages, campaign_chunks, campaign_counts, postponed_recipients, campaigns "
            "RESTART IDENTITY"
        )
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
        if with_chunks_of:
            connection.execute(
                """
                INSERT INTO campaign_chunks (campaign_id, first_customer_id, last_customer_id)
                SELECT %s, n, LEAST(n + %s - 1, %s) FROM generate_series(1, %s, %s) AS n
                """,
                [row[0], with_chunks_of, messages, messages, with_chunks_of],
            )
        connection.execute("VACUUM (ANALYZE) outbound_messages")
        # what the last contender left dirty is not written on the next one's time
        connection.execute("CHECKPOINT")


def wait_until_sent(connection: psycopg.Connection, count: int, *, by: list[Child], patience_seconds: float) -> float:
    """Wait until so many messages are sent; the moment of the last one, in seconds since the epoch.

    Raises:
        ChildDiedError: A process of the contender ended instead.
        TimeoutError: Nothing moved for `patience_seconds`.
    """
    before, moved = -1, time.monotonic()
    while True:
        row = connection.execute(
            "SELECT count(*), extract(epoch FROM max(updated_at))::float8 FROM outbound_messages WHERE status = 'sent'"
        ).fetchone()
        assert row is not None
        sent, last = row
        if sent >= count:
            return float(last)
        for child in by:
            child.check()
        now = time.monotonic()
        if sent != before:
            before, moved = sent, now
        elif now - moved > patience_seconds:
            tails = "\n".join(child.tail(3) for child in by)
            raise TimeoutError(f"{sent} of {count} are sent, and nothing moves:\n{tails}")
        # counting costs a contender some of its time; more messages are counted less often
        time.sleep(0.05 + count / 200_000)
