"""The plugin that gives every test its stores."""

pytest_plugins = ["support.stores"]
