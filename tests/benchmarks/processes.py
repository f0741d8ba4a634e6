"""The processes of a contender: started, held, let go, and weighed."""

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
class Weight:
    """What processes have used so far: CPU seconds of user and system, and resident memory in MB."""

    cpu_seconds: float
    rss_mb: float


def weigh(children: Sequence[Child]) -> Weight:
    """The children and all that they started."""
    cpu = rss = 0.0
    for process in _family(children):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            # what has ended counts with its parent
            cpu += times.user + times.system + times.children_user + times.children_system
            rss += process.memory_info().rss / 2**20
    return Weight(cpu, rss)


def hold(children: Sequence[Child]) -> None:
    """Let them stand still until they are let go."""
    for child in children:
        child.send_signal(signal.SIGSTOP)


def let_go(children: Sequence[Child]) -> None:
    """Let them go on."""
    for child in children:
        child.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def running(
    commands: Sequence[Sequence[str]], environments: Sequence[Mapping[str, str]], logs: Path
) -> Iterator[list[Child]]:
    """Processes for as long as the block runs."""
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
        let_go(children)
        for child in children:
            child.send_signal(signal.SIGTERM)
        for child in children:
            child.stop(seconds=15)


def program(name: str) -> str:
    """A program of this environment by its name."""
    return str(Path(sys.executable).with_name(name))


def _family(children: Sequence[Child]) -> Iterator[psutil.Process]:
    for child in children:
        if child.process is not None and child.running:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(child.process.pid)
                yield process
                yield from process.children(recursive=True)
