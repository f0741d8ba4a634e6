"""A bad request uses few resources: its answer is short, and other requests do not wait for it."""

import asyncio
import json
import time
from typing import Any

import httpx2
import pytest

from campaign_api.web.errors import ApiError
from campaign_api.web.json_bodies import read_json
from leopard.db.pool import Connection
from support.factories import add_campaign, add_customers

JSON = {"content-type": "application/json"}
MEGABYTES = 4_000_000


def repeated(unit: str, around: tuple[str, str]) -> bytes:
    return (around[0] + unit * ((MEGABYTES - 100) // len(unit)) + unit.rstrip(",") + around[1]).encode()


BODIES = {
    "text-ids": repeated('"0",', ('{"customer_ids": [', "]}")),
    "zeros": repeated("0,", ('{"customer_ids": [', "]}")),
    "ids": repeated("1,", ('{"customer_ids": [', "]}")),
    "empty-lists": repeated("[],", ('{"customer_ids": [', "]}")),
    "empty-objects": repeated("{},", ('{"customer_ids": [', "]}")),
    "lists-of-lists": repeated("[[[[0]]]],", ('{"customer_ids": [', "]}")),
    "nested": b'{"customer_ids": ' + b"[" * MEGABYTES,
    "fields": ('{"audience": {' + ",".join(f'"k{n}": 1' for n in range(300_000)) + "}}").encode(),
    "few-long-fields": ('{"audience": {"' + "k" * 3_900_000 + '": 1}}').encode(),
    "few-fields": ('{"audience": {' + ",".join(f'"k{n}": 1' for n in range(50)) + "}}").encode(),
    "digits": b'{"customer_ids": [' + b"9" * 3_900_000 + b"]}",
    "huge-float": b'{"customer_ids": [1e400]}',
    "huge-floats": repeated("1e400,", ('{"customer_ids": [', "]}")),
    "negative-huge": b'{"customer_ids": [-1e999999]}',
    "string": b'{"audience": "' + b"x" * 3_900_000 + b'"}',
    "escapes": b'{"audience": "' + b"\\u0041" * 650_000 + b'"}',
    "unclosed": b'{"audience": "' + b"x" * 3_900_000,
    "blanks": b" " * 3_900_000,
    "newlines": b"\n" * 3_900_000 + b"x",
    "nan": b'{"customer_ids": [NaN, Infinity]}',
    "not-utf-8": b'{"audience": "\xff' + b"x" * 3_900_000 + b'"}',
    "half-wrong": ('{"customer_ids": [' + ",".join(f'{n},"{n}"' for n in range(1, 45_000)) + "]}").encode(),
}


async def longest_pause(awaitable: Any) -> tuple[Any, float]:
    """Return the result of an awaitable, and the longest time that it blocked the event loop, in seconds."""
    longest = 0.0
    task = asyncio.ensure_future(awaitable)
    before = time.perf_counter()
    while not task.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest = max(longest, now - before)
        before = now
    return task.result(), longest


@pytest.mark.parametrize("body", BODIES)
async def test_a_bad_body_gets_a_short_answer_and_does_not_block_the_event_loop(
    client: httpx2.AsyncClient, connection: Connection, body: str
) -> None:
    await add_campaign(connection, status="draft")
    await client.post("/campaigns/1/send", json={"customer_ids": ["x"]})
    request = client.post("/campaigns/1/send", content=BODIES[body], headers=JSON)
    answer, pause = await longest_pause(request)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST"), answer.text[:200]
    assert len(answer.content) < 4000
    # the aim is 50 ms; the limit is higher for busy machines
    assert pause < 0.5, f"{pause:.3f} s"


async def test_the_first_problems_are_listed_and_all_are_counted(
    client: httpx2.AsyncClient, connection: Connection
) -> None:
    await add_campaign(connection, status="draft")
    ids: list[Any] = [1, 2, *["x"] * 30_000]
    error = (await client.post("/campaigns/1/send", json={"customer_ids": ids})).json()["error"]
    assert [detail["field"] for detail in error["details"]] == [f"customer_ids.{index}" for index in range(2, 22)]
    assert error["message"] == (
        "customer_ids.2: must be a positive integer (30000 problems in all, the first 20 are listed)"
    )


async def test_a_list_has_a_maximum_length(client: httpx2.AsyncClient, connection: Connection) -> None:
    [customer] = await add_customers(connection, 1)
    await add_campaign(connection, status="draft")
    too_long = await client.post("/campaigns/1/send", json={"customer_ids": [customer] * 100_001})
    assert too_long.json()["error"]["details"] == [
        {"field": "customer_ids", "message": "must not hold more than 100000 values"}
    ]
    answer, pause = await longest_pause(client.post("/campaigns/1/send", json={"customer_ids": [customer] * 100_000}))
    assert (answer.status_code, answer.json()["messages_queued"]) == (200, 1)
    assert pause < 0.5


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}', "[]", "{}", " [ 1 , 2.5 , -0 , 1E+2 , true , false , null , {} ] ",
        '"\\u00e9\\ud83d\\ude00"', '{"a": {"b": [{"c": "\\n"}]}}', "0", "-1.5e-3", '""', "\ufeff{}", "\u00e9",
        "[1,]", '{"a":}', '{"a" 1}', "{1: 2}",
        "[1 2]", "01", "+1", ".5", "1.", "tru", '"a', '"\t"', "[", "{", "]", "1 2", "'a'", "\u00a01", "{,}", '{"a":1,}',
    ],
)  # fmt: skip
async def test_json_is_read_as_by_the_standard_library(client: httpx2.AsyncClient, text: str) -> None:
    body = text.encode()
    try:
        expected = json.loads(body)
    except json.JSONDecodeError:
        with pytest.raises(ApiError, match="The body is not JSON"):
            read_json(body, 10)
    else:
        assert repr(read_json(body, 10)) == repr(expected)
    assert (await client.post("/campaigns", content=body, headers=JSON)).status_code == 400
