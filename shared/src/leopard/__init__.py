"""Code that Leopard's services share: tables, jobs, topology, templates, settings, health and telemetry."""

from importlib.metadata import version

__version__ = version("leopard")
