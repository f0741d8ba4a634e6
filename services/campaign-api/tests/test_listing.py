"""Pages of a list repeat and omit nothing, even while campaigns are created."""

from typing import Any

import httpx2
import pytest

from leopard.db.pool import Connection
from support.factories import add_campaign


async def add(connection: Connection, count: int) -> list[int]:
    return [await add_campaign(connection, status="draft") for _ in range(count)]


async def page(client: httpx2.AsyncClient, **query: Any) -> dict[str, Any]:
    answer = await client.get("/campaigns", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_the_newest_campaigns_come_first(client: httpx2.AsyncClient, connection: Connection) -> None:
    ids = await add(connection, 5)
    body = await page(client)
    assert [campaign["id"] for campaign in body["campaigns"]] == ids[::-1]
    assert body["pagination"] == {"page": 1, "page_size": 20, "total_count": 5, "total_pages": 1}


@pytest.mark.parametrize("creating", [0, 1, 7])
async def test_numbered_pages_with_as_of_repeat_and_omit_no_campaign(
    client: httpx2.AsyncClient, connection: Connection, creating: int
) -> None:
    ids = await add(connection, 47)
    seen: list[int] = []
    for number in range(1, 6):
        body = await page(client, page=number, page_size=10, as_of=ids[-1])
        assert body["pagination"] == {"page": number, "page_size": 10, "total_count": 47, "total_pages": 5}
        seen += [campaign["id"] for campaign in body["campaigns"]]
        await add(connection, creating)
    assert seen == ids[::-1]


async def followed(client: httpx2.AsyncClient, url: str, rel: str) -> tuple[list[int], str | None]:
    answer = await client.get(url)
    assert answer.status_code == 200, answer.text
    assert "set-cookie" not in answer.headers
    links = {rel_: link["url"] for rel_, link in answer.links.items()}
    assert all("as_of=" in link for link in links.values())
    assert "first" in links
    return [campaign["id"] for campaign in answer.json()["campaigns"]], links.get(rel)


async def test_two_clients_page_through_their_own_lists_independently(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    seen: dict[str, list[int]] = {"one": [], "two": []}
    expected: dict[str, list[int]] = {}
    ahead: dict[str, str | None] = {}
    ids: list[int] = []
    for tab in seen:
        ids += await add(connection, 25)
        expected[tab] = ids[::-1]
        first, ahead[tab] = await followed(client, "/campaigns?page_size=10&channel=sms", "next")
        seen[tab] += first
        await add(connection, 5)
        ids += range(ids[-1] + 1, ids[-1] + 6)
    while any(ahead.values()):
        for tab, url in ahead.items():
            if url is not None:
                assert "channel=sms" in url
                found, ahead[tab] = await followed(client, url, "next")
                seen[tab] += found
    assert seen == expected


async def test_prev_links_lead_back_through_the_same_pages(client: httpx2.AsyncClient, connection: Connection) -> None:
    ids = await add(connection, 35)
    url: str | None = f"/campaigns?page_size=10&page=4&as_of={ids[-1]}"
    pages: list[list[int]] = []
    while url is not None:
        found, url = await followed(client, url, "prev")
        pages.insert(0, found)
        await add(connection, 3)
    assert [id_ for found in pages for id_ in found] == ids[::-1]
    third, first = await followed(client, f"/campaigns?page_size=10&page=3&as_of={ids[-1]}", "first")
    assert (third, first and (await followed(client, first, "next"))[0]) == (ids[5:15][::-1], ids[25:][::-1])
    past, last = await followed(client, f"/campaigns?page_size=10&page=99&as_of={ids[-1]}", "prev")
    assert (past, last and (await followed(client, last, "prev"))[0]) == ([], ids[:5][::-1])


async def test_page_1_always_shows_the_newest(client: httpx2.AsyncClient, connection: Connection) -> None:
    await add(connection, 3)
    await page(client, page_size=2)
    [newest] = await add(connection, 1)
    body = await page(client, page_size=2)
    assert body["campaigns"][0]["id"] == newest
    assert body["pagination"]["total_count"] == 4


async def test_a_request_without_as_of_lists_the_current_campaigns(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    await add(connection, 3)
    await page(client, page_size=2)
    await add(connection, 2)
    assert (await page(client, page=2, page_size=4))["pagination"]["total_count"] == 5


async def test_cursor_pages_repeat_and_omit_nothing_while_campaigns_are_created(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    ids = await add(connection, 47)
    seen: list[int] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        body = await page(client, cursor=cursor, page_size=10)
        seen += [campaign["id"] for campaign in body["campaigns"]]
        assert set(body["pagination"]) == {"page_size", "next_cursor"}
        cursor = body["pagination"]["next_cursor"]
        pages += 1
        await add(connection, 3)
    assert seen == ids[::-1]
    assert pages == 5


async def test_a_full_last_page_has_no_next_cursor(client: httpx2.AsyncClient, connection: Connection) -> None:
    await add(connection, 4)
    first = await page(client, cursor="", page_size=2)
    last = await page(client, cursor=first["pagination"]["next_cursor"], page_size=2)
    assert len(last["campaigns"]) == 2
    assert last["pagination"]["next_cursor"] is None


async def test_filters_select_campaigns(client: httpx2.AsyncClient, connection: Connection) -> None:
    for status in ("draft", "sent", "sent", "failed"):
        for channel in ("sms", "whatsapp"):
            await add_campaign(connection, status=status, channel=channel)
    for query in ({"cursor": ""}, {}):
        body = await page(client, status="sent", channel="sms", **query)
        assert [(c["status"], c["channel"]) for c in body["campaigns"]] == [("sent", "sms")] * 2
    assert (await page(client, status="sent"))["pagination"]["total_count"] == 4
    assert (await page(client, status="", channel=""))["pagination"]["total_count"] == 8
    assert (await page(client, status="paused"))["pagination"] == {
        "page": 1, "page_size": 20, "total_count": 0, "total_pages": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "number", "size"),
    [
        ({"page": 0}, 1, 20),
        ({"page": -5}, 1, 20),
        ({"page_size": 0}, 1, 20),
        ({"page_size": -1}, 1, 20),
        ({"page_size": 101}, 1, 20),
        ({"page_size": 100}, 1, 100),
        ({"page_size": 1}, 1, 1),
    ],
)
async def test_page_numbers_and_sizes_out_of_bounds_become_the_default(
    client: httpx2.AsyncClient, query: dict[str, int], number: int, size: int
) -> None:
    pagination = (await page(client, **query))["pagination"]
    assert (pagination["page"], pagination["page_size"]) == (number, size)


@pytest.mark.parametrize("number", [99, 2**63, 10**30])
async def test_a_page_past_the_end_is_empty(client: httpx2.AsyncClient, connection: Connection, number: int) -> None:
    await add(connection, 3)
    assert (await page(client, page=number))["campaigns"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"page": "x"},
        {"page": "1.5"},
        {"page_size": "many"},
        {"channel": "email"},
        {"status": "unknown"},
        {"cursor": "abc"},
        {"cursor": "-1"},
        {"as_of": "x"},
        {"as_of": "-1"},
        {"as_of": str(2**63)},
        {"page": "9" * 5000},
    ],
)
async def test_an_invalid_query_is_refused(client: httpx2.AsyncClient, query: dict[str, str]) -> None:
    answer = await client.get("/campaigns", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize("as_of", [0, 2**63 - 1, 7])
async def test_every_valid_as_of_is_accepted(client: httpx2.AsyncClient, connection: Connection, as_of: int) -> None:
    await add(connection, 30)
    answer = await client.get(f"/campaigns?as_of={as_of}")
    assert answer.json()["pagination"]["total_count"] == min(as_of, 30)


async def test_as_of_is_documented(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    parameters = {parameter["name"]: parameter for parameter in document["paths"]["/campaigns"]["get"]["parameters"]}
    assert "Link" in parameters["as_of"]["description"]
    assert not [parameter for parameter in parameters.values() if parameter["in"] == "cookie"]
