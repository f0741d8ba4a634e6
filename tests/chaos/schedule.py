"""What is done to the stack in a round, and when: drawn from a seed, so that a round can be repeated."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """One kind of harm."""

    KILL_WORKER = "kill a worker"
    KILL_DISPATCHER = "kill a dispatcher"
    KILL_API = "kill the API"
    KILL_RABBITMQ = "kill RabbitMQ"
    KILL_POSTGRES = "kill PostgreSQL"
    STOP_WORKER = "stop a worker for longer than its lease"
    RESTART_WORKER = "restart a worker in order"
    DROP_CONNECTIONS = "drop all database connections"
    PURGE_QUEUE = "purge the queue"
    PROVIDER_OUTAGE = "stop the provider"


@dataclass(frozen=True)
class Event:
    """A fault, and how long after the one before it, in seconds."""

    fault: Fault
    pause_seconds: float
    index: int
    """Which of several processes it hits."""


ALWAYS: Final = (
    Fault.KILL_WORKER,
    Fault.KILL_WORKER,
    Fault.KILL_DISPATCHER,
    Fault.KILL_API,
    Fault.KILL_RABBITMQ,
    Fault.KILL_POSTGRES,
    Fault.STOP_WORKER,
    Fault.DROP_CONNECTIONS,
    Fault.PURGE_QUEUE,
    Fault.RESTART_WORKER,
)
FURTHER: Final = (
    Fault.KILL_WORKER,
    Fault.KILL_DISPATCHER,
    Fault.STOP_WORKER,
    Fault.RESTART_WORKER,
    Fault.DROP_CONNECTIONS,
    Fault.PROVIDER_OUTAGE,
)


def schedule(seed: int) -> list[Event]:
    """The faults of one round: each kind once at least, twelve in all, in any order."""
    rng = random.Random(seed)
    faults = [*ALWAYS, rng.choice(FURTHER), rng.choice(FURTHER)]
    rng.shuffle(faults)
    return [Event(fault, rng.uniform(0.2, 1.5), rng.randrange(6)) for fault in faults]
