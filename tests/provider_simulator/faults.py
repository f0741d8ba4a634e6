"""How the simulator misbehaves."""

import random
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """What may happen to a request instead of a good answer."""

    REFUSED = "refused"
    """500; not accepted."""
    PERMANENT = "permanent"
    """422; not accepted."""
    THROTTLED = "throttled"
    """429 with Retry-After; not accepted."""
    RESET = "reset"
    """The connection is reset; not accepted."""
    TIMEOUT = "timeout"
    """No answer at all; not accepted."""
    ANSWER_LOST = "answer_lost"
    """Accepted, then the connection is reset."""


@dataclass
class Behaviour:
    """How often each fault happens, between 0 and 1; how long answers take, in seconds; and whether all is down."""

    refused: float = 0
    permanent: float = 0
    throttled: float = 0
    reset: float = 0
    timeout: float = 0
    answer_lost: float = 0
    latency_min_seconds: float = 0
    latency_max_seconds: float = 0
    retry_after_seconds: float = 1
    timeout_seconds: float = 30
    outage: bool = False

    def change(self, given: dict[str, Any]) -> None:
        """Take over what is given.

        Raises:
            ValueError: Something is given that does not exist, or a rate is none.
        """
        known = {field.name for field in fields(self)}
        for name, value in given.items():
            if (
                name not in known
                or not isinstance(value, int | float)
                or value < 0
                or (name in set(Fault) and value > 1)
            ):
                msg = f"{name} cannot be {value!r}"
                raise ValueError(msg)
            setattr(self, name, value)

    def draw(self, rng: random.Random) -> Fault | None:
        """What happens to one request; null: a good answer."""
        threshold = rng.random()
        for fault in Fault:
            threshold -= getattr(self, fault.value)
            if threshold < 0:
                return fault
        return None
