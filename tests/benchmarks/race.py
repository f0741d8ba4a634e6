"""A race: queue jobs while a contender is suspended, resume it, and time it until the last message is recorded."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks.dataset import create_campaign, wait_until_sent
from benchmarks.meter import Meter, Score
from benchmarks.processes import resume, running, suspend
from leopard_local.ports import free_port
from leopard_local.stores import Stores

WARM_UP = 50


@dataclass(frozen=True)
class Latency:
    """How long the provider takes to answer, in seconds."""

    min: float
    max: float

    @property
    def name(self) -> str:
        """The name in tables."""
        return "instant" if self.max == 0 else f"{self.min * 1000:.0f}-{self.max * 1000:.0f} ms"


INSTANT = Latency(0, 0)
REAL = Latency(0.05, 0.2)


@dataclass(frozen=True)
class Contender:
    """A consumer of jobs.

    `command` starts one process; `queue_jobs` queues the jobs of the messages in a range.
    """

    name: str
    command: list[str]
    queue_jobs: Callable[[Stores, range], None]
    settings: dict[str, str] = field(default_factory=dict)
    one_command: bool = False
    """Whether one command starts all processes; it then contains `{processes}`."""


def race(
    stores: Stores, folder: Path, contender: Contender, latency: Latency, *, messages: int, processes: int = 1
) -> Score:
    """Run one turn of one contender."""
    warm_up = min(WARM_UP, messages)
    create_campaign(stores.database_url, warm_up + messages)
    commands = [[part.format(processes=processes) for part in contender.command]]
    if not contender.one_command:
        commands *= processes
    environments = [_environment(stores, latency) | contender.settings for _ in commands]
    for environment in environments:
        environment["LEOPARD_PORT"] = str(free_port())
    with (
        running(commands, environments, folder / "logs") as children,
        psycopg.connect(stores.database_url, autocommit=True) as connection,
    ):
        contender.queue_jobs(stores, range(1, warm_up + 1))
        wait_until_sent(connection, warm_up, children=children, stall_seconds=60)
        suspend(children)
        contender.queue_jobs(stores, range(warm_up + 1, warm_up + messages + 1))
        time.sleep(0.5)
        meter = Meter(stores, children)
        began = time.time()
        resume(children)
        ended = wait_until_sent(connection, warm_up + messages, children=children, stall_seconds=60)
        return meter.score(messages, messages / (ended - began))


def _environment(stores: Stores, latency: Latency) -> dict[str, str]:
    return {
        "LEOPARD_DATABASE_URL": stores.database_url,
        "LEOPARD_AMQP_URL": stores.amqp_url,
        "LEOPARD_HOST": "127.0.0.1",
        "LEOPARD_LOG_FORMAT": "json",
        "LEOPARD_MOCK_SUCCESS_RATE": "1",
        "LEOPARD_MOCK_LATENCY_MIN_SECONDS": str(latency.min),
        "LEOPARD_MOCK_LATENCY_MAX_SECONDS": str(latency.max),
    }
