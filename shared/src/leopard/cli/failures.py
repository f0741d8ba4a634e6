"""The error that ends a command."""


class CommandError(Exception):
    """A command failed; the text says why in one line."""
