"""The states of a dry run of a campaign."""

from enum import StrEnum


class DryRunStatus(StrEnum):
    """The state of a dry run."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """The audience cannot be read to its end."""
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """Its process ended."""
