"""The faults of the simulator and their rates."""

import random
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """A fault that a request can meet."""

    REFUSED = "refused"
    """500; not accepted."""
    PERMANENT = "permanent"
    """422; not accepted."""
    THROTTLED = "throttled"
    """429 with Retry-After; not accepted."""
    RESET = "reset"
    """The connection is reset; not accepted."""
    TIMEOUT = "timeout"
    """No answer; not accepted."""
    ANSWER_LOST = "answer_lost"
    """Accepted, then the connection is reset."""


@dataclass
class Behaviour:
    """The rate of each fault (0 to 1), the times of answers in seconds, and whether there is an outage."""

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

    def change(self, changes: dict[str, Any]) -> None:
        """Change some fields.

        Raises:
            ValueError: A field does not exist, or its value is invalid.
        """
        known = {field.name for field in fields(self)}
        for name, value in changes.items():
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
        """Draw the fault of one request. None means that the message is accepted."""
        threshold = rng.random()
        for fault in Fault:
            threshold -= getattr(self, fault.value)
            if threshold < 0:
                return fault
        return None
