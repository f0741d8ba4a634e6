"""Dead letters can be counted, seen, put back and dropped, and nothing is lost by looking."""

import asyncio
import json
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import HeadersType

from leopard.cli import main
from leopard.domain.statuses import Channel
from leopard.messaging import (
    DEAD_LETTERS,
    ORIGIN_HEADER,
    REASON_HEADER,
    SENDS,
    SENDS_OF,
    create_broker,
    declare_topology,
)
from leopard.testing import until

LETTERS = [
    (b"not json", "does not parse: JSON"),
    (b"{}", "does not parse: message_id"),
    (b"[]", "does not parse: JSON"),
]


async def bury(amqp_url: str) -> None:
    async with create_broker(amqp_url, service="tests", shutdown_seconds=1) as broker:
        await declare_topology(broker)
        for body, reason in LETTERS:
            headers: HeadersType = {REASON_HEADER: reason, "traceparent": "kept"}
            await broker.publish(body, DEAD_LETTERS.name, headers=headers, persist=True)


async def contents(amqp_url: str, queue_name: str) -> list[tuple[bytes, dict[str, Any]]]:
    async with await aio_pika.connect(amqp_url) as connection:
        queue = await (await connection.channel()).declare_queue(queue_name, passive=True)
        found = []
        while (message := await queue.get(fail=False)) is not None:
            found.append((message.body, dict(message.headers)))
        return found


@pytest.fixture
def buried(amqp_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The broker's URL, with three dead letters."""
    monkeypatch.setenv("LEOPARD_AMQP_URL", amqp_url)
    asyncio.run(bury(amqp_url))
    return amqp_url


def test_they_are_counted_by_reason_and_stay(buried: str, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert main(["dead-letters", "list"]) == 0
        assert capsys.readouterr().out.split() == [
            "2", "does", "not", "parse:", "JSON", "1", "does", "not", "parse:", "message_id", "3", "in", "all",
        ]  # fmt: skip
    assert len(asyncio.run(contents(buried, DEAD_LETTERS.name))) == 3


@pytest.mark.usefixtures("buried")
def test_they_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dead-letters", "show", "--limit", "2"]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["number"], first["body"], first["reason"]) == (1, "not json", "does not parse: JSON")
    assert second["body"] == "{}"


def test_one_is_put_back(buried: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dead-letters", "requeue", "--number", "2"]) == 0
    assert capsys.readouterr().out == "1 put back\n"
    [(body, headers)] = asyncio.run(contents(buried, SENDS.name))
    assert (body, headers["traceparent"]) == (b"{}", "kept")
    assert REASON_HEADER not in headers
    assert len(asyncio.run(contents(buried, DEAD_LETTERS.name))) == 2


def test_all_are_put_back(buried: str) -> None:
    assert main(["dead-letters", "requeue", "--all"]) == 0
    assert [body for body, _ in asyncio.run(contents(buried, SENDS.name))] == [body for body, _ in LETTERS]
    assert asyncio.run(contents(buried, DEAD_LETTERS.name)) == []


async def bury_those_of_a_channel(amqp_url: str, queue_name: str) -> None:
    """One as a worker buries it, and one that RabbitMQ itself puts among the dead."""
    async with create_broker(amqp_url, service="tests", shutdown_seconds=1) as broker:
        await declare_topology(broker)
        await broker.publish(
            b"buried",
            DEAD_LETTERS.name,
            headers={REASON_HEADER: "does not parse: JSON", ORIGIN_HEADER: queue_name},
            persist=True,
        )
        await broker.publish(b"refused", queue_name, persist=True)
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        await (await (await channel.declare_queue(queue_name, passive=True)).get()).reject(requeue=False)

        async def both_are_dead() -> bool:
            return (await channel.declare_queue(DEAD_LETTERS.name, passive=True)).declaration_result.message_count == 2

        await until(both_are_dead)


def test_each_is_put_back_where_it_was_taken_from(amqp_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEOPARD_AMQP_URL", amqp_url)
    of_whatsapp = SENDS_OF[Channel.WHATSAPP].name
    asyncio.run(bury_those_of_a_channel(amqp_url, of_whatsapp))
    assert main(["dead-letters", "requeue", "--all"]) == 0
    put_back = asyncio.run(contents(amqp_url, of_whatsapp))
    assert sorted(body for body, _ in put_back) == [b"buried", b"refused"]
    assert not any(ORIGIN_HEADER in headers or REASON_HEADER in headers for _, headers in put_back)


def test_those_with_a_reason_are_dropped(buried: str) -> None:
    assert main(["dead-letters", "drop", "--reason", "JSON"]) == 0
    assert [body for body, _ in asyncio.run(contents(buried, DEAD_LETTERS.name))] == [b"{}"]
    assert asyncio.run(contents(buried, SENDS.name)) == []


@pytest.mark.usefixtures("buried")
def test_what_is_not_there_is_said_so() -> None:
    assert main(["dead-letters", "requeue", "--number", "9"]) == 1


def test_a_broker_that_is_away_is_said_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LEOPARD_AMQP_URL", "amqp://guest:guest@127.0.0.1:1/")
    assert main(["dead-letters", "list"]) == 1
    assert capsys.readouterr().err.startswith("RabbitMQ: ")
