"""How a command waits for a store that does not answer yet."""

import time
from typing import Final

from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

PAUSE_SECONDS: Final = 1.0
TELL_SECONDS: Final = 10.0
"""How often the same reason is told again."""


class Patience:
    """Bounds the wait, and says now and then what it is for."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._told: str | None = None
        self._told_at = float("-inf")

    def seconds_left(self) -> float:
        """How much of the time is left; not below zero."""
        return max(self._deadline - time.monotonic(), 0.0)

    def pause(self, reason: str) -> float | None:
        """The seconds until the next try; null once the time is over.

        Args:
            reason: What is waited for, in one line.
        """
        left = self.seconds_left()
        if left == 0:
            return None
        now = time.monotonic()
        if reason != self._told or now - self._told_at >= TELL_SECONDS:
            log.warning("waiting", reason=reason, seconds_left=round(left))
            self._told, self._told_at = reason, now
        return min(PAUSE_SECONDS, left)
