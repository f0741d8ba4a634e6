"""The plugins that give every test its stores, and watch what it logs."""

pytest_plugins = ["support.logs", "support.stores"]
