"""Segments are created, read, changed and deleted; a send uses the filter of its time."""

from typing import Any

import httpx2
import pytest

from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers, rows

FILTER = {"all": [{"field": "location", "in": ["Nairobi", "Mombasa"]}, {"not": {"field": "first_name", "set": False}}]}


async def create(client: httpx2.AsyncClient, name: str = "Coast", filter_: object = FILTER) -> dict[str, Any]:
    answer = await client.post("/segments", json={"name": name, "filter": filter_})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def problem(answer: httpx2.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error.get("details", [{"field": ""}])[0]["field"]


async def test_a_segment_is_created_read_changed_and_deleted(client: httpx2.AsyncClient) -> None:
    created = await create(client)
    url = f"/segments/{created['id']}"
    assert (await client.get(url)).json() == created
    assert created["filter"] == FILTER
    changed = (await client.patch(url, json={"name": "The coast"})).json()
    assert (changed["name"], changed["filter"]) == ("The coast", FILTER)
    changed = (await client.patch(url, json={"filter": {"location": "Kisumu"}})).json()
    assert (changed["name"], changed["filter"]) == ("The coast", {"location": "Kisumu"})
    assert (await client.delete(url)).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert problem(await client.request(method, url, json={}))[:2] == (404, "SEGMENT_NOT_FOUND")


async def test_segments_are_listed_in_pages(client: httpx2.AsyncClient) -> None:
    made = [(await create(client, f"Segment {n}"))["id"] for n in range(5)]
    found, cursor = [], ""
    while cursor is not None:
        body = (await client.get("/segments", params={"page_size": 2, "cursor": cursor})).json()
        found += [segment["id"] for segment in body["segments"]]
        cursor = body["pagination"]["next_cursor"]
    assert found == made


async def test_no_two_segments_have_the_same_name(client: httpx2.AsyncClient) -> None:
    await create(client)
    other = await create(client, "Other")
    for answer in (
        await client.post("/segments", json={"name": "Coast", "filter": FILTER}),
        await client.patch(f"/segments/{other['id']}", json={"name": "Coast"}),
    ):
        assert problem(answer) == (400, "INVALID_REQUEST", "name")


@pytest.mark.parametrize(
    ("filter_", "field"),
    [
        ({"colour": "red"}, "filter.colour"),
        ({"field": "colour", "equal": "red"}, "filter.field"),
        ({"all": [{"field": "points", ">": 3}, {"field": "points", "before": "-3d"}]}, "filter.all.1.before"),
        ({"field": "points", ">": "3"}, "filter.>"),
        ([], "filter"),
        (None, "filter"),
    ],
    ids=str,
)
async def test_a_wrong_filter_is_refused_with_its_path(
    client: httpx2.AsyncClient, connection: Connection, filter_: object, field: str
) -> None:
    await connection.execute("INSERT INTO customer_fields (name, type) VALUES ('points', 'number')")
    segment = await create(client)
    for answer in (
        await client.post("/segments", json={"name": "New", "filter": filter_}),
        await client.patch(f"/segments/{segment['id']}", json={"filter": filter_}),
    ):
        assert problem(answer) == (400, "INVALID_REQUEST", field)


async def test_a_wrong_filter_in_an_audience_is_refused_with_its_path(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    campaign_id = await add_campaign(connection, status="draft")
    new = {"name": "Summer", "channel": "sms", "base_template": "Hi"}
    for wrong, field in (
        ({"filter": {"field": "colour", "equal": "red"}}, "audience.filter.field"),
        ({"filter": {"any": [{"field": "location", ">": 3}]}}, "audience.filter.any.0.>"),
        ({"all": True, "exclude": {"filter": {"not": {}}}}, "audience.exclude.filter.not"),
        (
            {"all": True, "exclude": {"filter": {"not": {"field": "x", "set": True}}}},
            "audience.exclude.filter.not.field",
        ),
    ):
        for answer in (
            await client.post("/campaigns", json={**new, "audience": wrong}),
            await client.patch(f"/campaigns/{campaign_id}", json={"audience": wrong}),
            await client.post(f"/campaigns/{campaign_id}/send", json={"audience": wrong}),
            await client.post("/audiences/estimate", json={"audience": wrong}),
        ):
            assert problem(answer) == (400, "INVALID_REQUEST", field), answer.text


async def test_a_send_to_a_segment_uses_its_present_filter(client: httpx2.AsyncClient, connection: Connection) -> None:
    await add_customers(connection, 2)
    await add_customers(connection, 3, location="Kisumu", first_number=2)
    segment = await create(client)
    audience = {"segment": segment["id"]}
    new = {"name": "Summer", "channel": "sms", "base_template": "Hi", "audience": audience}
    campaign = (await client.post("/campaigns", json=new)).json()
    assert (campaign["audience"], campaign["warnings"]) == (audience, [])
    await client.patch(f"/segments/{segment['id']}", json={"filter": {"location": "Kisumu"}})
    sent = await client.post(f"/campaigns/{campaign['id']}/send", json={"audience": audience})
    assert sent.json()["messages_queued"] == 3
    stats = (await client.get(f"/campaigns/{campaign['id']}")).json()["stats"]
    assert stats["total"] == stats["pending"] == 3


async def test_a_send_to_a_deleted_segment_is_refused(client: httpx2.AsyncClient, connection: Connection) -> None:
    await add_customers(connection, 2)
    segment = await create(client)
    campaign_id = await add_campaign(connection, status="draft")
    await client.delete(f"/segments/{segment['id']}")
    audience = {"segment": segment["id"]}
    for answer in (
        await client.post(f"/campaigns/{campaign_id}/send", json={"audience": audience}),
        await client.patch(f"/campaigns/{campaign_id}", json={"audience": audience}),
        await client.post("/audiences/estimate", json={"audience": audience}),
    ):
        assert problem(answer)[:2] == (404, "SEGMENT_NOT_FOUND")
    assert await rows(connection, "SELECT status FROM campaigns") == [{"status": "draft"}]


async def test_a_campaign_with_a_new_audience_waits_for_versions_that_know_it(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    segment = await create(client)
    new = {"name": "Summer", "channel": "sms", "base_template": "Hi"}
    for audience, campaign_format in (({"all": True}, 1), ({"segment": segment["id"]}, 2)):
        campaign_id = (await client.post("/campaigns", json={**new, "audience": audience})).json()["id"]
        assert await rows(connection, "SELECT format FROM campaigns WHERE id = %s", campaign_id) == [
            {"format": campaign_format}
        ]
    changed = await add_campaign(connection, status="draft")
    await client.patch(f"/campaigns/{changed}", json={"audience": {"all": True, "limit": 3}})
    assert await rows(connection, "SELECT format FROM campaigns WHERE id = %s", changed) == [{"format": 2}]
