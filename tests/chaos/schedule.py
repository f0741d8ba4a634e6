"""What is done to the stack in a round, and when: drawn from a seed, so that a round can be repeated."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Blow(StrEnum):
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
    PROVIDER_OUTAGE = "take the provider away"


@dataclass(frozen=True)
class Event:
    """A blow, and how long after the one before it, in seconds."""

    blow: Blow
    pause_seconds: float
    index: int
    """Which of several processes it hits."""


ALWAYS: Final = (
    Blow.KILL_WORKER,
    Blow.KILL_WORKER,
    Blow.KILL_DISPATCHER,
    Blow.KILL_API,
    Blow.KILL_RABBITMQ,
    Blow.KILL_POSTGRES,
    Blow.STOP_WORKER,
    Blow.DROP_CONNECTIONS,
    Blow.PURGE_QUEUE,
    Blow.RESTART_WORKER,
)
FURTHER: Final = (
    Blow.KILL_WORKER,
    Blow.KILL_DISPATCHER,
    Blow.STOP_WORKER,
    Blow.RESTART_WORKER,
    Blow.DROP_CONNECTIONS,
    Blow.PROVIDER_OUTAGE,
)


def schedule(seed: int) -> list[Event]:
    """The blows of one round: each kind once at least, twelve in all, in any order."""
    luck = random.Random(seed)
    blows = [*ALWAYS, luck.choice(FURTHER), luck.choice(FURTHER)]
    luck.shuffle(blows)
    return [Event(blow, luck.uniform(0.2, 1.5), luck.randrange(6)) for blow in blows]
