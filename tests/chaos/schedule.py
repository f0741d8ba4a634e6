"""Draw the faults of a round and their times from a seed, so that a round can be repeated."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """A kind of fault."""

    KILL_WORKER = "kill a worker"
    KILL_DISPATCHER = "kill a dispatcher"
    KILL_API = "kill the API"
    KILL_RABBITMQ = "kill RabbitMQ"
    KILL_POSTGRES = "kill PostgreSQL"
    SUSPEND_WORKER = "suspend a worker for longer than its lease"
    RESTART_WORKER = "restart a worker cleanly"
    DROP_CONNECTIONS = "drop all database connections"
    PURGE_QUEUE = "purge the queue"
    PROVIDER_OUTAGE = "stop the provider"


@dataclass(frozen=True)
class Event:
    """A fault, and its delay after the previous fault in seconds."""

    fault: Fault
    pause_seconds: float
    index: int
    """Selects one of several processes."""


ALWAYS: Final = (
    Fault.KILL_WORKER,
    Fault.KILL_WORKER,
    Fault.KILL_DISPATCHER,
    Fault.KILL_API,
    Fault.KILL_RABBITMQ,
    Fault.KILL_POSTGRES,
    Fault.SUSPEND_WORKER,
    Fault.DROP_CONNECTIONS,
    Fault.PURGE_QUEUE,
    Fault.RESTART_WORKER,
)
EXTRA: Final = (
    Fault.KILL_WORKER,
    Fault.KILL_DISPATCHER,
    Fault.SUSPEND_WORKER,
    Fault.RESTART_WORKER,
    Fault.DROP_CONNECTIONS,
    Fault.PROVIDER_OUTAGE,
)


def schedule(seed: int) -> list[Event]:
    """Return the twelve faults of one round in random order. Each fault in `ALWAYS` is among them."""
    rng = random.Random(seed)
    faults = [*ALWAYS, rng.choice(EXTRA), rng.choice(EXTRA)]
    rng.shuffle(faults)
    return [Event(fault, rng.uniform(0.2, 1.5), rng.randrange(6)) for fault in faults]
