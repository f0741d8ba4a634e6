"""Dead letters can be counted, seen, put back and dropped, and nothing is lost by looking."""

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage, HeadersType

from leopard.broker.connection import create_broker
from leopard.broker.dead_letter_queue import AT_A_TIME, LOCK, Fate, walk
from leopard.broker.queues import DEAD_LETTERS, ORIGIN_HEADER, REASON_HEADER, SENDS, SENDS_OF
from leopard.broker.topology import declare_topology
from leopard.cli.main import main
from leopard.domain.statuses import Channel
from support.factories import until

LETTERS = [
    (b"not json", "does not parse: JSON"),
    (b"{}", "does not parse: message_id"),
    (b"[]", "does not parse: JSON"),
]
DELIVERIES_OF_RABBITMQ_4 = 20


async def bury(amqp_url: str, letters: Sequence[tuple[bytes, str]] = LETTERS) -> None:
    async with create_broker(amqp_url, service="tests", shutdown_seconds=1) as broker:
        await declare_topology(broker)
        for body, reason in letters:
            headers: HeadersType = {REASON_HEADER: reason, "traceparent": "kept"}
            await broker.publish(body, DEAD_LETTERS.name, headers=headers, persist=True)


async def taken(amqp_url: str, queue_name: str) -> list[AbstractIncomingMessage]:
    async with await aio_pika.connect(amqp_url) as connection:
        queue = await (await connection.channel()).declare_queue(queue_name, passive=True)
        found = []
        while (message := await queue.get(fail=False)) is not None:
            found.append(message)
            await message.ack()
        return found


async def contents(amqp_url: str, queue_name: str) -> list[tuple[bytes, dict[str, Any]]]:
    return [(message.body, dict(message.headers)) for message in await taken(amqp_url, queue_name)]


@pytest.fixture
def buried(amqp_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The broker's URL, with three dead letters."""
    monkeypatch.setenv("LEOPARD_AMQP_URL", amqp_url)
    asyncio.run(bury(amqp_url))
    return amqp_url


def test_they_are_counted_by_reason(buried: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dead-letters", "list"]) == 0
    assert capsys.readouterr().out.split() == [
        "2", "does", "not", "parse:", "JSON", "1", "does", "not", "parse:", "message_id", "3", "in", "all",
    ]  # fmt: skip
    assert len(asyncio.run(contents(buried, DEAD_LETTERS.name))) == 3


def test_they_may_be_looked_at_more_often_than_rabbitmq_delivers_a_message(
    buried: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(DELIVERIES_OF_RABBITMQ_4 + 2):
        assert main(["dead-letters", "list"]) == 0
        assert "3  in all" in capsys.readouterr().out
    for _ in range(DELIVERIES_OF_RABBITMQ_4 + 2):
        assert main(["dead-letters", "show", "--limit", "1"]) == 0
        assert json.loads(capsys.readouterr().out)["body"] == "not json"
    found = asyncio.run(contents(buried, DEAD_LETTERS.name))
    assert [(body, headers[REASON_HEADER]) for body, headers in found] == LETTERS


@pytest.mark.usefixtures("buried")
def test_they_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dead-letters", "show", "--limit", "2"]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["number"], first["body"], first["reason"]) == (1, "not json", "does not parse: JSON")
    assert second["body"] == "{}"


def test_many_keep_their_order_and_all_that_they_carry(amqp_url: str) -> None:
    count = AT_A_TIME * 2 + 30
    headers: HeadersType = {
        "none": None, "yes": True, "number": -5, "large": 2**40, "part": 1.5, "bytes": bytearray(b"\xff"),
        "deep": [1, {"x": ["y"]}], REASON_HEADER: "a reason",
    }  # fmt: skip

    async def prepare() -> None:
        async with create_broker(amqp_url, service="tests", shutdown_seconds=1) as broker:
            await declare_topology(broker)
        async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
            for number in range(count):
                letter = aio_pika.Message(
                    str(number).encode(),
                    # to be published by nobody else
                    user_id="guest",
                    headers=headers,
                    message_id=f"id {number % 7}",
                    content_type="text/x-odd",
                    correlation_id="c",
                    type="t",
                    app_id="a",
                    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                )
                await channel.default_exchange.publish(letter, DEAD_LETTERS.name)

    asyncio.run(prepare())
    fates = asyncio.run(walk(amqp_url, lambda _number, _letter: Fate.KEPT, wait_seconds=0))
    assert fates == Counter({Fate.KEPT: count})
    found = asyncio.run(taken(amqp_url, DEAD_LETTERS.name))
    assert [letter.body for letter in found] == [str(number).encode() for number in range(count)]
    for number, letter in enumerate(found):
        # RabbitMQ's own
        letter.headers.pop("x-delivery-count", None)
        assert letter.headers == headers
        assert letter.message_id == f"id {number % 7}"
        assert (letter.content_type, letter.correlation_id, letter.type, letter.app_id) == ("text/x-odd", "c", "t", "a")


def test_one_is_put_back(buried: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dead-letters", "requeue", "--number", "2"]) == 0
    assert capsys.readouterr().out == "1 put back\n"
    [(body, headers)] = asyncio.run(contents(buried, SENDS.name))
    assert (body, headers["traceparent"]) == (b"{}", "kept")
    assert REASON_HEADER not in headers
    left = asyncio.run(contents(buried, DEAD_LETTERS.name))
    assert [body for body, _ in left] == [b"not json", b"[]"]


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


def test_each_is_put_back_where_it_was_taken_from_though_it_was_looked_at(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEOPARD_AMQP_URL", amqp_url)
    of_whatsapp = SENDS_OF[Channel.WHATSAPP].name
    asyncio.run(bury_those_of_a_channel(amqp_url, of_whatsapp))
    for _ in range(3):
        assert main(["dead-letters", "list"]) == 0
        assert "1  refused by the broker: rejected" in capsys.readouterr().out
    assert main(["dead-letters", "requeue", "--all"]) == 0
    put_back = asyncio.run(contents(amqp_url, of_whatsapp))
    assert sorted(body for body, _ in put_back) == [b"buried", b"refused"]
    assert not any(name.startswith(("x-leopard", "x-death", "x-first")) for _, headers in put_back for name in headers)


def test_one_whose_queue_is_gone_is_kept_and_said_so(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEOPARD_AMQP_URL", amqp_url)
    of_whatsapp = SENDS_OF[Channel.WHATSAPP].name
    asyncio.run(bury_those_of_a_channel(amqp_url, of_whatsapp))
    asyncio.run(bury(amqp_url, LETTERS[:1]))

    async def delete() -> None:
        async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
            await channel.queue_delete(of_whatsapp)

    asyncio.run(delete())
    assert main(["dead-letters", "requeue", "--all"]) == 1
    assert f"their queue is gone: {of_whatsapp}" in capsys.readouterr().err
    assert [body for body, _ in asyncio.run(contents(amqp_url, SENDS.name))] == [b"not json"]
    left = asyncio.run(contents(amqp_url, DEAD_LETTERS.name))
    assert sorted(body for body, _ in left) == [b"buried", b"refused"]


def test_those_with_a_reason_are_dropped(buried: str) -> None:
    assert main(["dead-letters", "drop", "--reason", "JSON"]) == 0
    assert [body for body, _ in asyncio.run(contents(buried, DEAD_LETTERS.name))] == [b"{}"]
    assert asyncio.run(contents(buried, SENDS.name)) == []


@pytest.mark.parametrize("action", ["drop", "requeue"])
@pytest.mark.parametrize(
    "chosen",
    [
        ["--reason", ""], ["--reason", " \t"], ["--reason", "\u200b"], ["--reason="], ["--number", ""],
        ["--number", "0"], ["--number", "-1"], ["--all", "--reason", "JSON"], [],
    ],
)  # fmt: skip
def test_a_blank_choice_is_refused_and_never_means_all(
    buried: str, action: str, chosen: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dead-letters", action, *chosen]) == 2
    said = capsys.readouterr().err
    assert "Error: Invalid value for " in said
    if chosen[:1] == ["--reason"]:
        assert "'--reason': is blank; is a shell variable not set?" in said
    assert len(asyncio.run(contents(buried, DEAD_LETTERS.name))) == 3


@pytest.mark.usefixtures("buried")
def test_what_is_not_there_is_said_so() -> None:
    assert main(["dead-letters", "requeue", "--number", "9"]) == 1


def test_only_one_looks_at_a_time(buried: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def another_looks() -> int:
        async with await aio_pika.connect(buried) as connection, connection.channel() as channel:
            await channel.declare_queue(LOCK, exclusive=True)
            return await asyncio.to_thread(main, ["dead-letters", "drop", "--all"])

    assert asyncio.run(another_looks()) == 1
    assert "another leopard dead-letters is running" in capsys.readouterr().err
    assert main(["dead-letters", "list"]) == 0
    assert "3  in all" in capsys.readouterr().out


DIES = {
    "while it reads": "decide = lambda number, _letter: die() if number == 150 else Fate.KEPT",
    "before it acknowledges": "aiormq.Channel.basic_ack = die; decide = lambda _number, _letter: Fate.KEPT",
}
LOOK_AND_DIE = """
import asyncio, os, signal, sys
import aiormq
from leopard.broker.dead_letter_queue import Fate, walk
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
{}
asyncio.run(walk(sys.argv[1], decide, wait_seconds=0))
"""


@pytest.mark.parametrize("moment", list(DIES))
def test_a_command_that_is_killed_in_between_loses_nothing(buried: str, moment: str) -> None:
    """A letter may stand twice afterwards."""
    bodies = [str(number).encode() for number in range(2 * AT_A_TIME)]
    asyncio.run(bury(buried, [(body, "a reason") for body in bodies]))
    look = [sys.executable, "-c", LOOK_AND_DIE.format(DIES[moment]), buried]
    assert subprocess.run(look, check=False).returncode == -signal.SIGKILL
    expected = {*bodies, *(body for body, _ in LETTERS)}

    async def all_are_back() -> bool:
        async with await aio_pika.connect(buried) as connection, connection.channel() as channel:
            queue = await channel.declare_queue(DEAD_LETTERS.name, passive=True)
            return (queue.declaration_result.message_count or 0) >= len(expected)

    asyncio.run(until(all_are_back))
    assert {body for body, _ in asyncio.run(contents(buried, DEAD_LETTERS.name))} == expected


def test_a_broker_that_is_away_is_said_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LEOPARD_AMQP_URL", "amqp://guest:guest@127.0.0.1:1/")
    assert main(["dead-letters", "list", "--wait-seconds", "0"]) == 1
    assert capsys.readouterr().err == ("RabbitMQ at 127.0.0.1:1 (user guest, virtual host /): connection refused\n")
