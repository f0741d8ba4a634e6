"""The database's clock decides whether a campaign's time is in the future."""

from datetime import UTC, datetime, timedelta

import httpx2
import psycopg
import pytest

NEW = {"name": "Summer", "channel": "sms", "base_template": "Hi"}


@pytest.fixture
def clock_behind(database_url: str) -> None:
    """Set the database's clock ten minutes behind the clock of this process."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA clock")
        connection.execute(
            "CREATE FUNCTION clock.now() RETURNS timestamptz STABLE LANGUAGE sql"
            " AS $$ SELECT pg_catalog.now() - interval '10 minutes' $$"
        )
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET search_path = clock, pg_catalog, public')


@pytest.mark.usefixtures("clock_behind")
async def test_the_database_clock_decides_whether_a_time_is_in_the_future(client: httpx2.AsyncClient) -> None:
    soon = {"scheduled_at": (datetime.now(UTC) - timedelta(minutes=5)).isoformat()}
    past = {"scheduled_at": (datetime.now(UTC) - timedelta(minutes=15)).isoformat()}
    assert (await client.post("/campaigns", json={**NEW, **soon})).json()["status"] == "scheduled"
    assert (await client.post("/campaigns", json={**NEW, **past})).json()["status"] == "draft"
    assert (await client.patch("/campaigns/2", json=soon)).json()["status"] == "scheduled"
    assert (await client.patch("/campaigns/2", json={"name": "Still"})).json()["status"] == "scheduled"
    assert (await client.patch("/campaigns/2", json=past)).json()["status"] == "draft"
