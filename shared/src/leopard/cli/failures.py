"""How a command says that it failed."""


class CommandError(Exception):
    """A command failed; the text says why in one line."""
