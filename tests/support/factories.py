"""Create rows for tests, and query the results."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from prometheus_client import REGISTRY
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from leopard.db.pool import Connection


async def rows(connection: AsyncConnection[Any], query: str, *parameters: object) -> list[dict[str, Any]]:
    """Run a query. Return each row as a dict."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


async def add_customers(
    connection: Connection, count: int, *, first_number: int = 0, location: str | None = "Nairobi"
) -> list[int]:
    """Add customers named Customer 0, Customer 1, ... Return their ids."""
    created = await rows(
        connection,
        """
        INSERT INTO customers (phone, first_name, location)
        SELECT '+2547' || lpad(n::text, 8, '0'), 'Customer ' || n, %s FROM generate_series(%s::int, %s::int) AS n
        RETURNING id
        """,
        location,
        first_number,
        first_number + count - 1,
    )
    return [row["id"] for row in created]


async def add_campaign(
    connection: Connection, *, status: str = "sending", template: str = "Hi {first_name}", channel: str = "sms"
) -> int:
    """Add a campaign in any status. Return its id."""
    [created] = await rows(
        connection,
        "INSERT INTO campaigns (name, channel, status, base_template) VALUES ('a campaign', %s, %s, %s) RETURNING id",
        channel,
        status,
        template,
    )
    campaign_id: int = created["id"]
    return campaign_id


async def add_messages(connection: Connection, campaign_id: int, customer_ids: Sequence[int]) -> list[int]:
    """Add pending messages in one chunk, and count them as a send does. Return their ids."""
    created = await rows(
        connection,
        """
        WITH written AS (
            INSERT INTO outbound_messages (campaign_id, customer_id) SELECT %s, unnest(%s::bigint[])
            RETURNING id, campaign_id, customer_id
        ), chunked AS (
            INSERT INTO campaign_chunks (campaign_id, first_customer_id, last_customer_id)
            SELECT campaign_id, min(customer_id), max(customer_id) FROM written GROUP BY campaign_id
        ), counted AS (
            INSERT INTO campaign_counts AS counts (campaign_id, shard, total)
            SELECT campaign_id, 0, count(*) FROM written GROUP BY campaign_id
                ON CONFLICT (campaign_id, shard) DO UPDATE SET total = counts.total + excluded.total
        )
        SELECT id FROM written ORDER BY id
        """,
        campaign_id,
        list(customer_ids),
    )
    return [row["id"] for row in created]


async def counts(connection: Connection, campaign_id: int) -> dict[str, int]:
    """Return a campaign's counts, without those that are zero."""
    [row] = await rows(
        connection,
        """
        SELECT sum(total)::int AS total, sum(sent)::int AS sent, sum(failed)::int AS failed,
               sum(cancelled)::int AS cancelled, sum(retries)::int AS retries,
               sum(unknown_outcomes)::int AS unknown_outcomes
          FROM campaign_counts WHERE campaign_id = %s
        """,
        campaign_id,
    )
    return {name: count for name, count in row.items() if count}


async def refuse_rows(connection: Connection, table: str, condition: str) -> None:
    """Make PostgreSQL refuse inserts and updates of some rows with an error.

    Args:
        connection: A connection to the test's database.
        table: The table.
        condition: The condition on `NEW` that selects the rows. If it uses `OLD`, only updates are refused.
    """
    events = "UPDATE" if "OLD." in condition else "INSERT OR UPDATE"
    statements = f"""
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'refused by the test'; END $$;
    CREATE TRIGGER refuse BEFORE {events} ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse();
    """
    await connection.execute(statements.encode())


def failures_of(task: str) -> float:
    """Return the number of errors of a background task that this process has counted."""
    return REGISTRY.get_sample_value("leopard_background_failures_total", {"task": task}) or 0


async def until(holds: Callable[[], Awaitable[bool]], *, seconds: float = 20) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: The condition did not hold in time.
    """
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 no event tells when the condition changes
            await asyncio.sleep(0.03)
