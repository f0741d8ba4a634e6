"""Search logs for phone numbers, message texts, deadlocks and unexpected tracebacks."""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

PHONE: Final = re.compile(r"(?:\+|%2B)\d{8,15}(?!\w)|(?<![\w.])2547\d{8}(?!\w)")
"""Any number in E.164. Numbers of the test customers also match without the plus."""

TEXTS: Final = ("Hi Customer ", " is on offer in ")
"""Parts of the texts that the demo and the tests send. Every text contains one of them."""

_STORES: Final = {"postgres", "rabbitmq", "epmd"}
_MAX_LINE_LENGTH: Final = 300


class LogAuditError(Exception):
    """Logs contain forbidden data. The message names the logs and the data."""


def private_values(text: str) -> list[str]:
    """Return the phone numbers and parts of messages in a text."""
    return [*PHONE.findall(text), *(piece for piece in TEXTS if piece in text)]


def check_logs(folder: Path, *, expected: Collection[str] = ()) -> None:
    """Search all logs of a stopped stack.

    Args:
        folder: The stack's folder.
        expected: Types of exceptions whose tracebacks services may log.

    Raises:
        LogAuditError: A log contains forbidden data.
    """
    logs = sorted((folder / "logs").glob("*.log"))
    if not logs:
        raise LogAuditError(f"there are no logs in {folder}")
    if problems := [problem for log in logs for problem in problems_of(log, expected=expected)]:
        shown = "\n".join(problems[:10])
        raise LogAuditError(f"{len(problems)} forbidden lines in logs:\n{shown}")


def problems_of(log: Path, *, expected: Collection[str] = ()) -> Iterator[str]:
    """Return the problems of one log, one line each."""
    with log.open(errors="replace") as lines:
        for line in lines:
            shown = f"{log.stem}: {line.strip()[:_MAX_LINE_LENGTH]}"
            if found := private_values(line):
                yield f"private value {found[0]!r} in {shown}"
            if "deadlock detected" in line:
                yield f"deadlock in {shown}"
            if log.stem not in _STORES and (kind := _traceback(line)) and kind not in expected:
                yield f"traceback of {kind} in {shown}"


def _traceback(line: str) -> str | None:
    """Return the type of the exception whose traceback the line contains, or None."""
    if line.startswith("Traceback (most recent call last)"):
        return "an exception"
    if '"exception"' not in line:
        return None
    try:
        exception: Any = json.loads(line)["exception"]
        return str(exception[0]["exc_type"])
    except (ValueError, LookupError, TypeError):
        return None
