"""The processes of a contender: start, suspend and resume them, and measure their CPU and memory."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from leopard_local.children import Child

TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Usage:
    """CPU seconds (user and system) of processes so far, and their resident memory in MB."""

    cpu_seconds: float
    rss_mb: float


def measure(children: Sequence[Child]) -> Usage:
    """Measure the children and their descendants."""
    cpu = rss = 0.0
    for process in _family(children):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            # a parent's times include its ended children
            cpu += times.user + times.system + times.children_user + times.children_system
            rss += process.memory_info().rss / 2**20
    return Usage(cpu, rss)


def suspend(children: Sequence[Child]) -> None:
    """Stop the processes until `resume`."""
    for child in children:
        child.send_signal(signal.SIGSTOP)


def resume(children: Sequence[Child]) -> None:
    """Let the processes continue."""
    for child in children:
        child.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def running(
    commands: Sequence[Sequence[str]], environments: Sequence[Mapping[str, str]], logs: Path
) -> Iterator[list[Child]]:
    """Run processes for the length of the block."""
    children = [
        Child(
            f"{Path(command[0]).name}-{index}",
            list(command),
            logs / f"{'-'.join(Path(part).name for part in command[:3])}-{index}.log",
            {"PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent / 'deploy/local'}", **environment},
        )
        for index, (command, environment) in enumerate(zip(commands, environments, strict=True), 1)
    ]
    try:
        for child in children:
            child.start()
        yield children
    finally:
        resume(children)
        for child in children:
            child.send_signal(signal.SIGTERM)
        for child in children:
            child.stop(seconds=15)


def program(name: str) -> str:
    """Return the path of a program of this virtual environment."""
    return str(Path(sys.executable).with_name(name))


def _family(children: Sequence[Child]) -> Iterator[psutil.Process]:
    for child in children:
        if child.process is not None and child.running:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(child.process.pid)
                yield process
                yield from process.children(recursive=True)
