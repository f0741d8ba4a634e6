"""Metrics that every service exports."""

from typing import Final

from prometheus_client import Gauge

from leopard import __version__

_BUILD = Gauge("leopard_build_info", "Always 1; the labels name the service and its version.", ["service", "version"])

STORE_UP: Final = Gauge("leopard_store_up", "1 while this process reaches the store.", ["store"])
BROKER_BLOCKED: Final = Gauge(
    "leopard_broker_blocked", "1 while RabbitMQ accepts no jobs because it is short of memory or disk."
)


def announce_build(service: str) -> None:
    """Export the running version."""
    _BUILD.labels(service=service, version=__version__).set(1)
