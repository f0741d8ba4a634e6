"""Runs a service: one process, one event loop, graceful shutdown."""

import contextlib
import gc
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

import uvicorn

from leopard.runtime.ending import ended_by_fault
from leopard.runtime.http_protocol import LeopardHttpProtocol
from leopard.settings import ServiceSettings, read_settings
from leopard.telemetry.logs import configure_logs
from leopard.telemetry.metrics import announce_build
from leopard.telemetry.tracing import configure_tracing

S = TypeVar("S", bound=ServiceSettings)


def serve(service: str, settings_class: type[S], create_app: Callable[[S], Any]) -> None:
    """Read the settings and run the service. Returns after a graceful shutdown (exit status 0)."""
    settings = read_settings(settings_class)
    configure_logs(service, settings.log_format, settings.log_level)
    configure_tracing(service)
    announce_build(service)
    # uvicorn installs its signal handlers later, removes them at the end, and then raises the signal again; before and
    # after that there is nothing to shut down, so the process just ends
    signal.signal(signal.SIGTERM, _end_at_once)
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        http=LeopardHttpProtocol,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=int(settings.shutdown_seconds) + 1,
    )
    _collect_less()
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(3)
    if ended_by_fault():
        sys.exit(1)


def _end_at_once(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(1 if ended_by_fault() else 0)


def _collect_less() -> None:
    """Run the cyclic garbage collector less often; by default it takes a tenth of the CPU (docs/performance.md).

    A message creates hundreds of objects, and almost none in cycles. Objects that exist at the start are permanent.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)
