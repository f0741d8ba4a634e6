"""An audience selects its base, less its exclusions, and of these a random sample that is always the same."""

from typing import Any

import pytest
from pydantic import ValidationError

from leopard.audiences.filters import FilterError
from leopard.audiences.model import Audience
from leopard.audiences.selection import SegmentNotFoundError, select_audience
from leopard.audiences.snapshot import begin_audience_send
from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers, rows


async def selected(connection: Connection, audience: dict[str, Any]) -> list[int]:
    selection = await select_audience(connection, Audience.model_validate(audience))
    cursor = await connection.execute(
        f"SELECT id FROM customers WHERE {selection.condition} ORDER BY id", selection.parameters
    )
    return [row[0] for row in await cursor.fetchall()]


async def add_segment(connection: Connection, location: str) -> int:
    [row] = await rows(
        connection,
        "INSERT INTO segments (name, filter) VALUES (%s, jsonb_build_object('location', %s::text)) RETURNING id",
        location,
        location,
    )
    return int(row["id"])


async def test_an_audience_is_its_base_less_its_exclusions(connection: Connection) -> None:
    nairobi = await add_customers(connection, 4)
    kisumu = await add_customers(connection, 4, location="Kisumu", first_number=4)
    await connection.execute("INSERT INTO customers (phone, location) VALUES ('+9990000000001', 'Kisumu')")
    segment = await add_segment(connection, "Kisumu")
    location = {"filter": {"location": "Kisumu"}}
    for audience, wanted in (
        ({"all": True}, nairobi + kisumu),
        ({"segment": segment}, kisumu),
        (location, kisumu),
        ({"customer_ids": [*nairobi[:2], 10**30, 10**15]}, nairobi[:2]),
        ({"all": True, "exclude": {"segment": segment}}, nairobi),
        ({"all": True, "exclude": location}, nairobi),
        ({"all": True, "exclude": {**location, "customer_ids": nairobi[:3]}}, nairobi[3:]),
        ({"segment": segment, "exclude": {"customer_ids": kisumu[:1]}}, kisumu[1:]),
        ({"segment": segment, "exclude": {"segment": segment}}, []),
        ({"customer_ids": kisumu, "exclude": {"filter": {"received": {"campaign_id": 1}}}}, kisumu),
    ):
        assert await selected(connection, audience) == wanted, audience


async def sample(connection: Connection, campaign_id: int, limit: int) -> set[int]:
    audience = Audience.model_validate({"all": True, "limit": limit})
    async with connection.transaction(force_rollback=True):
        await begin_audience_send(connection, campaign_id, audience, chunk_size=100)
        found = await rows(connection, "SELECT unnest(customer_ids) AS id FROM audience_recipients")
    return {row["id"] for row in found}


async def test_a_limit_takes_a_random_sample_that_is_the_same_for_the_same_campaign(connection: Connection) -> None:
    customers = await add_customers(connection, 1000)
    first, second = await add_campaign(connection), await add_campaign(connection)
    small, large = await sample(connection, first, 200), await sample(connection, first, 400)
    assert (len(small), len(large)) == (200, 400)
    assert small < large
    assert await sample(connection, first, 200) == small
    assert await sample(connection, second, 200) != small
    assert await sample(connection, first, 5000) == set(customers)
    halves = [sum(customer in group for customer in small) for group in (customers[:500], customers[500:])]
    assert min(halves) > 60, "the sample is spread over all customers"


async def test_an_audience_of_a_missing_segment_is_refused(connection: Connection) -> None:
    for audience in ({"segment": 7}, {"all": True, "exclude": {"segment": 7}}):
        with pytest.raises(SegmentNotFoundError, match="segment 7 does not exist"):
            await selected(connection, audience)


async def test_a_filter_that_does_not_fit_the_fields_is_refused_with_its_path(connection: Connection) -> None:
    await connection.execute("INSERT INTO customer_fields (name, type) VALUES ('points', 'number')")
    for audience, path in (
        ({"filter": {"field": "colour", "equal": "red"}}, "filter.field"),
        (
            {"filter": {"any": [{"field": "points", "<": 3}, {"field": "points", "contains": "x"}]}},
            "filter.any.1.contains",
        ),
        ({"all": True, "exclude": {"filter": {"field": "points", "equal": "3"}}}, "exclude.filter.equal"),
    ):
        with pytest.raises(FilterError) as refused:
            await selected(connection, audience)
        assert refused.value.path == path


@pytest.mark.parametrize(
    "audience",
    [
        {},
        {"all": False},
        {"all": True, "segment": 1},
        {"segment": 0},
        {"segment": True},
        {"segment": 2**63},
        {"customer_ids": []},
        {"customer_ids": [0]},
        {"customer_ids": ["1"]},
        {"customer_ids": [1] * 10_001},
        {"all": True, "limit": 0},
        {"all": True, "exclude": {}},
        {"all": True, "exclude": {"all": True}},
        {"filter": {}},
        {"filter": {"colour": "red"}},
        {"filter": []},
    ],
    ids=lambda audience: str(audience)[:40],
)
def test_an_audience_outside_the_grammar_is_refused(audience: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Audience.model_validate(audience)


@pytest.mark.parametrize(
    ("audience", "campaign_format"),
    [
        ({"all": True}, 1),
        ({"filter": {"location": "x", "preferred_product": None}}, 1),
        ({"filter": {"field": "location", "equal": "x"}}, 2),
        ({"all": True, "limit": 3}, 2),
        ({"all": True, "exclude": {"customer_ids": [1]}}, 2),
        ({"segment": 1}, 2),
        ({"customer_ids": [1]}, 2),
    ],
    ids=str,
)
def test_only_audiences_of_the_old_form_are_left_to_earlier_versions(
    audience: dict[str, Any], campaign_format: int
) -> None:
    assert Audience.model_validate(audience).campaign_format == campaign_format
