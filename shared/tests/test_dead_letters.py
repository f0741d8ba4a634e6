"""Dead letters can be counted, shown, requeued and dropped. Reading them loses none."""

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

BODIES_AND_REASONS = [
    (b"not json", "does not parse: JSON"),
    (b"{}", "does not parse: message_id"),
    (b"[]", "does not parse: JSON"),
]
DELIVERIES_OF_RABBITMQ_4 = 20


async def add_dead_letters(amqp_url: str, bodies_and_reasons: Sequence[tuple[bytes, str]] = BODIES_AND_REASONS) -> None:
    async with create_broker(amqp_url, service="tests", shutdown_seconds=1) as broker:
        await declare_topology(broker)
        for body, reason in bodies_and_reasons:
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
def with_dead_letters(amqp_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The broker's URL, with three dead letters."""
    monkeypatch.setenv("LEOPARD_AMQP_URL", amqp_url)
    asyncio.run(add_dead_letters(amqp_url))
    return amqp_url


def test_dead_letters_are_counted_by_reason(with_dead_letters: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dead-letters", "list"]) == 0
    assert capsys.readouterr().out.split() == [
        "2", "does", "not", "parse:", "JSON", "1", "does", "not", "parse:", "message_id", "3", "in", "all",
    ]  # fmt: skip
    assert len(asyncio.run(contents(with_dead_letters, DEAD_LETTERS.name))) == 3


def test_dead_letters_can_be_read_more_often_than_rabbitmq_delivers_a_message(
    with_dead_letters: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(DELIVERIES_OF_RABBITMQ_4 + 2):
        assert main(["dead-letters", "list"]) == 0
        assert "3  in all" in capsys.readouterr().out
    for _ in range(DELIVERIES_OF_RABBITMQ_4 + 2):
        assert main(["dead-letters", "show", "--limit", "1"]) == 0
        assert json.loads(capsys.readouterr().out)["body"] == "not json"
    found = asyncio.run(contents(with_dead_letters, DEAD_LETTERS.name))
    assert [(body, headers[REASON_HEADER]) for body, headers in found] == BODIES_AND_REASONS


@pytest.mark.usefixtures("with_dead_letters")
def test_dead_letters_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dead-letters", "show", "--limit", "2"]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["number"], first["body"], first["reason"]) == (1, "not json", "does not parse: JSON")
    assert second["body"] == "{}"


def test_a_walk_keeps_the_order_headers_and_properties(amqp_url: str) -> None:
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
                dead_letter = aio_pika.Message(
                    str(number).encode(),
                    # RabbitMQ would refuse a copy with another user's id
                    user_id="guest",
                    headers=headers,
                    message_id=f"id {number % 7}",
                    content_type="text/x-odd",
                    correlation_id="c",
                    type="t",
                    app_id="a",
                    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                )
                await channel.default_exchange.publish(dead_letter, DEAD_LETTERS.name)

    asyncio.run(prepare())
    fates = asyncio.run(walk(amqp_url, lambda _number, _dead_letter: Fate.KEPT, wait_seconds=0))
    assert fates == Counter({Fate.KEPT: count})
    found = asyncio.run(taken(amqp_url, DEAD_LETTERS.name))
    assert [dead_letter.body for dead_letter in found] == [str(number).encode() for number in range(count)]
    for number, dead_letter in enumerate(found):
        # RabbitMQ adds this header
        dead_letter.headers.pop("x-delivery-count", None)
        assert dead_letter.headers == headers
        assert dead_letter.message_id == f"id {number % 7}"
        assert (dead_letter.content_type, dead_letter.correlation_id) == ("text/x-odd", "c")
        assert (dead_letter.type, dead_letter.app_id) == ("t", "a")


def test_one_dead_letter_is_requeued_by_its_number(with_dead_letters: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dead-letters", "requeue", "--number", "2"]) == 0
    assert capsys.readouterr().out == "1 put back\n"
    [(body, headers)] = asyncio.run(contents(with_dead_letters, SENDS.name))
    assert (body, headers["traceparent"]) == (b"{}", "kept")
    assert REASON_HEADER not in headers
    left = asyncio.run(contents(with_dead_letters, DEAD_LETTERS.name))
    assert [body for body, _ in left] == [b"not json", b"[]"]


def test_all_dead_letters_are_requeued(with_dead_letters: str) -> None:
    assert main(["dead-letters", "requeue", "--all"]) == 0
    assert [body for body, _ in asyncio.run(contents(with_dead_letters, SENDS.name))] == [
        body for body, _ in BODIES_AND_REASONS
    ]
    assert asyncio.run(contents(with_dead_letters, DEAD_LETTERS.name)) == []


async def add_dead_letters_of_a_channel(amqp_url: str, queue_name: str) -> None:
    """Adds one dead letter as a worker does, and one through RabbitMQ's own dead-lettering."""
    async with create_broker(amqp_url, service="tests", shutdown_seconds=1) as broker:
        await declare_topology(broker)
        await broker.publish(
            b"dead-lettered",
            DEAD_LETTERS.name,
            headers={REASON_HEADER: "does not parse: JSON", ORIGIN_HEADER: queue_name},
            persist=True,
        )
        await broker.publish(b"refused", queue_name, persist=True)
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        await (await (await channel.declare_queue(queue_name, passive=True)).get()).reject(requeue=False)

        async def both_are_dead_letters() -> bool:
            return (await channel.declare_queue(DEAD_LETTERS.name, passive=True)).declaration_result.message_count == 2

        await until(both_are_dead_letters)


def test_each_dead_letter_is_requeued_to_its_original_queue_even_after_reads(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEOPARD_AMQP_URL", amqp_url)
    of_whatsapp = SENDS_OF[Channel.WHATSAPP].name
    asyncio.run(add_dead_letters_of_a_channel(amqp_url, of_whatsapp))
    for _ in range(3):
        assert main(["dead-letters", "list"]) == 0
        assert "1  refused by the broker: rejected" in capsys.readouterr().out
    assert main(["dead-letters", "requeue", "--all"]) == 0
    put_back = asyncio.run(contents(amqp_url, of_whatsapp))
    assert sorted(body for body, _ in put_back) == [b"dead-lettered", b"refused"]
    assert not any(name.startswith(("x-leopard", "x-death", "x-first")) for _, headers in put_back for name in headers)


def test_a_dead_letter_whose_queue_does_not_exist_is_kept_and_reported(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEOPARD_AMQP_URL", amqp_url)
    of_whatsapp = SENDS_OF[Channel.WHATSAPP].name
    asyncio.run(add_dead_letters_of_a_channel(amqp_url, of_whatsapp))
    asyncio.run(add_dead_letters(amqp_url, BODIES_AND_REASONS[:1]))

    async def delete() -> None:
        async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
            await channel.queue_delete(of_whatsapp)

    asyncio.run(delete())
    assert main(["dead-letters", "requeue", "--all"]) == 1
    assert f"their queue does not exist: {of_whatsapp}" in capsys.readouterr().err
    assert [body for body, _ in asyncio.run(contents(amqp_url, SENDS.name))] == [b"not json"]
    left = asyncio.run(contents(amqp_url, DEAD_LETTERS.name))
    assert sorted(body for body, _ in left) == [b"dead-lettered", b"refused"]


def test_dead_letters_with_a_reason_are_dropped(with_dead_letters: str) -> None:
    assert main(["dead-letters", "drop", "--reason", "JSON"]) == 0
    assert [body for body, _ in asyncio.run(contents(with_dead_letters, DEAD_LETTERS.name))] == [b"{}"]
    assert asyncio.run(contents(with_dead_letters, SENDS.name)) == []


@pytest.mark.parametrize("action", ["drop", "requeue"])
@pytest.mark.parametrize(
    "chosen",
    [
        ["--reason", ""], ["--reason", " \t"], ["--reason", "\u200b"], ["--reason="], ["--number", ""],
        ["--number", "0"], ["--number", "-1"], ["--all", "--reason", "JSON"], [],
    ],
)  # fmt: skip
def test_a_blank_choice_is_refused_and_never_means_all(
    with_dead_letters: str, action: str, chosen: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dead-letters", action, *chosen]) == 2
    error = capsys.readouterr().err
    assert "Error: Invalid value for " in error
    if chosen[:1] == ["--reason"]:
        assert "'--reason': is blank; is a shell variable not set?" in error
    assert len(asyncio.run(contents(with_dead_letters, DEAD_LETTERS.name))) == 3


@pytest.mark.usefixtures("with_dead_letters")
def test_a_number_that_does_not_exist_gives_exit_status_1() -> None:
    assert main(["dead-letters", "requeue", "--number", "9"]) == 1


def test_only_one_command_runs_at_a_time(with_dead_letters: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def with_another_running() -> int:
        async with await aio_pika.connect(with_dead_letters) as connection, connection.channel() as channel:
            await channel.declare_queue(LOCK, exclusive=True)
            return await asyncio.to_thread(main, ["dead-letters", "drop", "--all"])

    assert asyncio.run(with_another_running()) == 1
    assert "another leopard dead-letters is running" in capsys.readouterr().err
    assert main(["dead-letters", "list"]) == 0
    assert "3  in all" in capsys.readouterr().out


DIES = {
    "while it reads": "decide = lambda number, _dead_letter: die() if number == 150 else Fate.KEPT",
    "before it acknowledges": "aiormq.Channel.basic_ack = die; decide = lambda _number, _dead_letter: Fate.KEPT",
}
WALK_AND_DIE = """
import asyncio, os, signal, sys
import aiormq
from leopard.broker.dead_letter_queue import Fate, walk
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
{}
asyncio.run(walk(sys.argv[1], decide, wait_seconds=0))
"""


@pytest.mark.parametrize("moment", list(DIES))
def test_a_command_that_is_killed_loses_no_dead_letter(with_dead_letters: str, moment: str) -> None:
    """Duplicates are allowed."""
    bodies = [str(number).encode() for number in range(2 * AT_A_TIME)]
    asyncio.run(add_dead_letters(with_dead_letters, [(body, "a reason") for body in bodies]))
    walk_and_die = [sys.executable, "-c", WALK_AND_DIE.format(DIES[moment]), with_dead_letters]
    assert subprocess.run(walk_and_die, check=False).returncode == -signal.SIGKILL
    expected = {*bodies, *(body for body, _ in BODIES_AND_REASONS)}

    async def all_are_back() -> bool:
        async with await aio_pika.connect(with_dead_letters) as connection, connection.channel() as channel:
            queue = await channel.declare_queue(DEAD_LETTERS.name, passive=True)
            return (queue.declaration_result.message_count or 0) >= len(expected)

    asyncio.run(until(all_are_back))
    assert {body for body, _ in asyncio.run(contents(with_dead_letters, DEAD_LETTERS.name))} == expected


def test_an_unavailable_broker_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LEOPARD_AMQP_URL", "amqp://guest:guest@127.0.0.1:1/")
    assert main(["dead-letters", "list", "--wait-seconds", "0"]) == 1
    assert capsys.readouterr().err == ("RabbitMQ at 127.0.0.1:1 (user guest, virtual host /): connection refused\n")
