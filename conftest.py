"""The plugins that give every test its stores, and watch what it logs."""

from hypothesis import settings

pytest_plugins = ["support.logs", "support.stores"]

# an example on a busy machine is slow, not wrong
settings.register_profile("leopard", deadline=None)
settings.load_profile("leopard")
