"""Metrics that every service has."""

from typing import Final

from prometheus_client import Gauge

from leopard import __version__

_BUILD = Gauge("leopard_build_info", "Always 1; the labels say what runs.", ["service", "version"])

STORE_UP: Final = Gauge("leopard_store_up", "1 while this process reaches the store.", ["store"])
BROKER_BLOCKED: Final = Gauge(
    "leopard_broker_blocked", "1 while RabbitMQ takes no jobs: it is short of memory or disk."
)


def announce_build(service: str) -> None:
    """Show the running version."""
    _BUILD.labels(service=service, version=__version__).set(1)
