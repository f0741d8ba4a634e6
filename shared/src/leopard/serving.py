"""Running a service: one process, one event loop, an orderly end."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

import uvicorn

from leopard.logs import configure_logs
from leopard.metrics import announce_build
from leopard.settings import ServiceSettings, read_settings
from leopard.tracing import configure_tracing

S = TypeVar("S", bound=ServiceSettings)


def serve(service: str, settings_class: type[S], create_app: Callable[[S], Any]) -> None:
    """Read the settings, start the service, and return once it has ended in order (exit status 0)."""
    settings = read_settings(settings_class)
    configure_logs(service, settings.log_format, settings.log_level)
    configure_tracing(service)
    announce_build(service)
    # uvicorn raises the signal that ended it once more; an orderly end is no failure
    signal.signal(signal.SIGTERM, _ended_in_order)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.shutdown_seconds) + 1,
    )


def _ended_in_order(_signal: int, _frame: FrameType | None) -> None:
    pass
