"""Metrics that every service has."""

from prometheus_client import Gauge

from leopard import __version__

_BUILD = Gauge("leopard_build_info", "Always 1; the labels say what runs.", ["service", "version"])


def announce_build(service: str) -> None:
    """Show the running version."""
    _BUILD.labels(service=service, version=__version__).set(1)
