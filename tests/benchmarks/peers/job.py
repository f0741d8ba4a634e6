"""The work of every peer for one message: two statements, each a transaction, on connections that stay open."""

import os
import random
import time
from typing import Final

from psycopg_pool import AsyncConnectionPool, ConnectionPool

from leopard.templates.rendering import parse_template

SELECT: Final = """
SELECT c.base_template, u.first_name, u.last_name, u.location, u.preferred_product, u.phone
  FROM outbound_messages AS m
  JOIN campaigns AS c ON c.id = m.campaign_id
  JOIN customers AS u ON u.id = m.customer_id
 WHERE m.id = %s AND m.status = 'pending'
"""
UPDATE: Final = """
UPDATE outbound_messages SET status = 'sent', rendered_content = %s, updated_at = now() WHERE id = %s
"""
FIELDS: Final = ("first_name", "last_name", "location", "preferred_product", "phone")

DATABASE_URL: Final = os.environ.get("LEOPARD_DATABASE_URL", "")
AMQP_URL: Final = os.environ.get("LEOPARD_AMQP_URL", "")
LATENCY_SECONDS: Final = (
    float(os.environ.get("LEOPARD_MOCK_LATENCY_MIN_SECONDS", "0")),
    float(os.environ.get("LEOPARD_MOCK_LATENCY_MAX_SECONDS", "0")),
)
CONNECTIONS: Final = int(os.environ.get("BENCH_CONNECTIONS", "10"))


def provider_seconds() -> float:
    """Return a random latency of the provider."""
    return random.uniform(*LATENCY_SECONDS)


def sync_pool() -> ConnectionPool:
    """Return a closed pool for threads or greenlets. The first task opens it, after any fork."""
    return ConnectionPool(DATABASE_URL, min_size=1, max_size=CONNECTIONS, open=False, kwargs={"autocommit": True})


def async_pool() -> AsyncConnectionPool:
    """Return a closed pool for coroutines. Open it on their event loop."""
    return AsyncConnectionPool(DATABASE_URL, min_size=1, max_size=CONNECTIONS, open=False, kwargs={"autocommit": True})


def deliver(pool: ConnectionPool, message_id: int) -> None:
    """Select, render, send, update. No connection is held while the provider answers."""
    with pool.connection() as connection:
        row = connection.execute(SELECT, [message_id]).fetchone()
    if row is None:
        return
    content = parse_template(row[0]).render(dict(zip(FIELDS, row[1:], strict=True)))
    if seconds := provider_seconds():
        time.sleep(seconds)
    with pool.connection() as connection:
        connection.execute(UPDATE, [content, message_id])
