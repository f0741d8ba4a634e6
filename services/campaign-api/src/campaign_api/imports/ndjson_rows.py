"""Rows of an NDJSON file, one JSON object a line, from a stream of text."""

import json
import math
from collections.abc import Iterator
from typing import Never

from campaign_api.imports.records import BadRow, JsonRow, beginning, too_long, unstorable_reason


class NdjsonRows:
    """Reads JSON objects, one a line. Empty lines count as rows and have no content."""

    def __init__(self, max_row_length: int = 65_536) -> None:
        """Begin at the first line.

        Args:
            max_row_length: Characters that a line may have.
        """
        self._max = max_row_length
        self._pending: list[str] = []
        self._waiting = 0
        self._number = 0
        self._skipping = False

    def feed(self, text: str) -> Iterator[JsonRow | BadRow]:
        """The lines that are complete."""
        *lines, tail = text.split("\n")
        for line in lines:
            self._pending.append(line)
            yield from self._end_line()
        self._pending.append(tail)
        self._waiting += len(tail)
        if self._waiting > self._max and not self._skipping:
            self._number += 1
            yield too_long(self._number, "".join(self._pending), self._max)
            self._skipping = True
        if self._skipping:
            self._pending = []

    def finish(self) -> Iterator[JsonRow | BadRow]:
        """The line that is left at the end of the file."""
        yield from self._end_line()

    def _end_line(self) -> Iterator[JsonRow | BadRow]:
        line = "".join(self._pending)
        self._pending, self._waiting = [], 0
        if self._skipping:
            self._skipping = False
            return
        self._number += 1
        if len(line) > self._max:
            yield too_long(self._number, line, self._max)
        elif line.strip():
            yield _row(self._number, line)


def _row(number: int, line: str) -> JsonRow | BadRow:
    reason = unstorable_reason(line)
    if reason is not None:
        return BadRow(number, reason, beginning(line))
    try:
        values = json.loads(line, parse_constant=_refuse, parse_float=_finite)
        # escapes make what the line itself does not contain
        reason = unstorable_inside(values) if "\\u" in line else None
    except (ValueError, RecursionError):
        return BadRow(number, "is not valid JSON", beginning(line))
    if reason is not None:
        return BadRow(number, reason, beginning(line))
    if not isinstance(values, dict):
        return BadRow(number, "is not a JSON object", beginning(line))
    return JsonRow(number, values)


def unstorable_inside(value: object) -> str | None:
    """Why PostgreSQL cannot store a text inside a value; None if it can."""
    match value:
        case str():
            return unstorable_reason(value)
        case list():
            return next(filter(None, map(unstorable_inside, value)), None)
        case dict():
            return next(filter(None, map(unstorable_inside, (*value, *value.values()))), None)
        case _:
            return None


def _refuse(constant: str) -> Never:
    raise ValueError(constant)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number
