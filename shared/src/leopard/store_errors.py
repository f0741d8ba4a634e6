"""Temporary."""


def describe_database_error(error: BaseException, conninfo: str) -> str:  # noqa: ARG001
    """Temporary."""
    return type(error).__name__


def describe_broker_error(error: BaseException, url: str) -> str:  # noqa: ARG001
    """Temporary."""
    return type(error).__name__
