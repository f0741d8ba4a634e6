"""Bounded waiting: a command waits for a store, and logs the reason."""

import time
from typing import Final

from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

PAUSE_SECONDS: Final = 1.0
LOG_AGAIN_SECONDS: Final = 10.0
"""How often the same reason is logged again."""


class Patience:
    """Bounds a wait, and logs its reason from time to time."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._logged_reason: str | None = None
        self._logged_at = float("-inf")

    def seconds_left(self) -> float:
        """The time that is left, at least 0."""
        return max(self._deadline - time.monotonic(), 0.0)

    def pause(self, reason: str) -> float | None:
        """The seconds until the next try; None once the time is over.

        Args:
            reason: Why the command waits, in one line.
        """
        left = self.seconds_left()
        if left == 0:
            return None
        now = time.monotonic()
        if reason != self._logged_reason or now - self._logged_at >= LOG_AGAIN_SECONDS:
            log.warning("waiting", reason=reason, seconds_left=round(left))
            self._logged_reason, self._logged_at = reason, now
        return min(PAUSE_SECONDS, left)
