"""A chosen port is free, and no other process gets it while its holder runs."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leopard_local.ports import LOOPBACK, NoFreePortError, ephemeral_range, free_port, release_port

FOLDER = Path(__file__).resolve().parents[1]
CHOOSE = """
import sys
from leopard_local.ports import free_port
among = [int(port) for port in sys.argv[2:]] or None
print("starting", flush=True)
sys.stdin.readline()
print(*(free_port(among) for _ in range(int(sys.argv[1]))), flush=True)
sys.stdin.readline()
"""


@contextmanager
def choosing(count: int, *among: int) -> Iterator[subprocess.Popen[str]]:
    """Run a process that chooses ports when it reads a line, and holds them until it reads another line."""
    with subprocess.Popen(
        [sys.executable, "-c", CHOOSE, str(count), *map(str, among)],
        env={**os.environ, "PYTHONPATH": str(FOLDER)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def send_line(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


@contextmanager
def listening() -> Iterator[int]:
    port = free_port()
    with socket.create_server((LOOPBACK, port)):
        release_port(port)
        yield port


@pytest.fixture
def port() -> Iterator[int]:
    """A port that is free when the test starts."""
    chosen = free_port()
    release_port(chosen)
    yield chosen
    release_port(chosen)


def test_two_processes_that_choose_at_the_same_time_get_different_ports() -> None:
    # barely enough ports: without locks, both processes would take the first ones
    among = [free_port() for _ in range(45)]
    for one in among:
        release_port(one)
    with choosing(20, *among) as first, choosing(20, *among) as second:
        for process in (first, second):
            assert read_line(process) == "starting\n"
        for process in (first, second):
            send_line(process)
        chosen = [int(number) for process in (first, second) for number in read_line(process).split()]
    assert len(chosen) == len(set(chosen)) == 40


def test_ports_are_outside_the_range_of_outgoing_connections() -> None:
    file = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if file.exists():
        first, last = (int(number) for number in re.findall(r"\d+", file.read_text()))
        assert ephemeral_range() == range(first, last + 1)
    chosen = [free_port() for _ in range(50)]
    for one in chosen:
        release_port(one)
    assert not set(chosen) & set(ephemeral_range())


def test_a_port_in_use_is_skipped(port: int) -> None:
    with listening() as taken:
        assert free_port([taken, port]) == port
        release_port(port)
        with pytest.raises(NoFreePortError):
            free_port([taken])


def test_a_held_port_is_not_chosen_again(port: int) -> None:
    assert free_port([port]) == port
    with pytest.raises(NoFreePortError):
        free_port([port])
    release_port(port)
    assert free_port([port]) == port


def test_a_killed_process_holds_no_port(port: int) -> None:
    with choosing(1, port) as holder:
        assert read_line(holder) == "starting\n"
        send_line(holder)
        assert read_line(holder) == f"{port}\n"
        with pytest.raises(NoFreePortError):
            free_port([port])
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert free_port([port]) == port
