"""A process whose port was taken starts again on another port."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import psycopg
import pytest

from leopard_local import postgres, rabbitmq, service
from leopard_local.__main__ import PACKAGES
from leopard_local.children import on_free_ports
from leopard_local.ports import LOOPBACK, free_port, is_listening
from leopard_local.postgres import Postgres
from leopard_local.rabbitmq import RabbitMQ
from leopard_local.stack import running_stack

Thief = Callable[[object, int], list[int]]


@pytest.fixture
def thief(monkeypatch: pytest.MonkeyPatch) -> Iterator[Thief]:
    """A function that takes the n-th port that a module chooses, and returns all chosen ports."""
    with ExitStack() as sockets:

        def steal(module: object, number: int) -> list[int]:
            chosen: list[int] = []

            def choose() -> int:
                chosen.append(free_port())
                if len(chosen) == number:
                    sockets.enter_context(socket.create_server((LOOPBACK, chosen[-1])))
                return chosen[-1]

            monkeypatch.setattr(module, "free_port", choose)
            return chosen

        yield steal


def test_postgresql_starts_on_another_port(folder: Path, thief: Thief) -> None:
    chosen = thief(postgres, 1)

    def start() -> Postgres:
        server = Postgres(folder, durable=False)
        try:
            server.start()
        except BaseException:
            server.stop()
            raise
        return server

    server = on_free_ports(start)
    try:
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SHOW port").fetchone() == (str(chosen[1]),)
    finally:
        server.stop()


@pytest.mark.parametrize(("number", "what"), [(1, "amqp"), (2, "port mapper"), (3, "distribution")])
def test_rabbitmq_starts_on_other_ports(folder: Path, thief: Thief, number: int, what: str) -> None:
    chosen = thief(rabbitmq, number)

    def start() -> RabbitMQ:
        node = RabbitMQ(folder, PACKAGES)
        try:
            node.start()
            node.wait_until_up()
        except BaseException:
            node.stop()
            raise
        return node

    node = on_free_ports(start)
    try:
        assert len(chosen) == 6, what
        assert f":{chosen[3]}/" in node.url
        assert is_listening(chosen[3])
    finally:
        node.stop()


def test_a_stack_starts_a_service_on_another_port(folder: Path, thief: Thief) -> None:
    chosen = thief(service, 2)
    with running_stack(folder, packages=PACKAGES) as stack:
        assert [one.port for one in stack.services.values()] == chosen[-3:]
        for one in stack.services.values():
            assert httpx2.get(f"{one.url}/livez").is_success
    assert len(chosen) >= 5
