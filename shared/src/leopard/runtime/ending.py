"""Shutdown after a fatal fault: the process ends itself gracefully, with status 1."""

import os
import signal
import threading
from typing import Final

from leopard.telemetry.logs import get_logger

log = get_logger(__name__)

_HARD_END_SECONDS: Final = 60
"""A graceful shutdown that takes longer is cut off."""

_reasons: list[str] = []


def end_process(reason: str) -> None:
    """End this process as SIGTERM would, but with status 1; a second call does nothing."""
    if _reasons:
        return
    _reasons.append(reason)
    log.critical("the process ends", reason=reason)
    watchdog = threading.Timer(_HARD_END_SECONDS, os._exit, [1])
    watchdog.daemon = True
    watchdog.start()
    os.kill(os.getpid(), signal.SIGTERM)


def ended_by_fault() -> bool:
    """Whether this process ends because `end_process` was called."""
    return bool(_reasons)
