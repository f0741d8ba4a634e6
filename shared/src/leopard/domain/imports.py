"""The states and modes of an import of customers."""

from enum import StrEnum


class ImportStatus(StrEnum):
    """The state of an import."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """The file cannot be read, or not to its end."""
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """The upload broke off, or the process ended."""


class ImportMode(StrEnum):
    """What an import does with a row whose phone number a customer has, and with one that is new."""

    UPSERT = "upsert"
    CREATE_ONLY = "create_only"
    UPDATE_ONLY = "update_only"
