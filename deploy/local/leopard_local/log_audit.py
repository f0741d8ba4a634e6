"""What logs must not hold: phone numbers, texts, deadlocks, and unexpected tracebacks."""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

PHONE: Final = re.compile(r"(?:\+|%2B)\d{8,15}(?!\w)|(?<![\w.])2547\d{8}(?!\w)")
"""Any number in E.164, and those of our customers also without the plus."""

TEXTS: Final = ("Hi Customer ", " is on offer in ")
"""A piece of every text that the demo and the tests send."""

_STORES: Final = {"postgres", "rabbitmq", "epmd"}
_SHOWN: Final = 300


class LogAuditError(Exception):
    """Logs hold what they must not; says which, and what."""


def private_values(text: str) -> list[str]:
    """The phone numbers in a text, and the pieces of messages."""
    return [*PHONE.findall(text), *(piece for piece in TEXTS if piece in text)]


def check_logs(folder: Path, *, expected: Collection[str] = ()) -> None:
    """Search all logs of a stack that has ended.

    Args:
        folder: The stack's folder.
        expected: Types of exceptions whose tracebacks services may log.

    Raises:
        LogAuditError: Something was found.
    """
    logs = sorted((folder / "logs").glob("*.log"))
    if not logs:
        raise LogAuditError(f"there are no logs in {folder}")
    if problems := [problem for log in logs for problem in problems_of(log, expected=expected)]:
        shown = "\n".join(problems[:10])
        raise LogAuditError(f"{len(problems)} lines in logs that must not be there:\n{shown}")


def problems_of(log: Path, *, expected: Collection[str] = ()) -> Iterator[str]:
    """What is wrong with one log, a line each."""
    with log.open(errors="replace") as lines:
        for line in lines:
            shown = f"{log.stem}: {line.strip()[:_SHOWN]}"
            if found := private_values(line):
                yield f"private value {found[0]!r} in {shown}"
            if "deadlock detected" in line:
                yield f"deadlock in {shown}"
            if log.stem not in _STORES and (kind := _traceback(line)) and kind not in expected:
                yield f"traceback of {kind} in {shown}"


def _traceback(line: str) -> str | None:
    """The type of the exception whose traceback a service's line holds."""
    if line.startswith("Traceback (most recent call last)"):
        return "an exception"
    if '"exception"' not in line:
        return None
    try:
        exception: Any = json.loads(line)["exception"]
        return str(exception[0]["exc_type"])
    except (ValueError, LookupError, TypeError):
        return None
