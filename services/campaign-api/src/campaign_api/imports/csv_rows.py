"""Rows of a CSV file, from a stream of text. What is broken in a row concerns this row only."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Final

from campaign_api.imports.records import BadRow, CsvRow, beginning, too_long, unstorable_reason
from leopard.domain.stored_text import UNSTORABLE

_BLOCK: Final = 64 * 1024
_DELIMITERS: Final = "\t;,"
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
_SEPARATOR_LINE: Final = re.compile(r"sep=([,;\t])(?:\r\n|\r|\n|$)", re.IGNORECASE)
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
BROKEN_QUOTE: Final = "a quote is not closed, or text follows a closing quote"


class CsvRows:
    """Reads rows separated by commas, semicolons or tabs, whichever the first row has most of.

    A row whose quote does not close within the length of a row is bad, and reading goes on with the next line. This
    takes linear time, because the next quote ends what the one before it left open.
    """

    def __init__(self, max_row_length: int = 65_536, block_length: int = _BLOCK) -> None:
        """Begin at the first row.

        Args:
            max_row_length: Characters that a row may have, with its line end; at most 131,072, the limit of `csv`.
            block_length: Characters to read at once. A row that arrives byte by byte is not read again for each.
        """
        self.delimiter: str | None = None
        self._max = max_row_length
        self._block = block_length
        self._pending: list[str] = []
        self._waiting = 0
        self._length = 0
        self._number = 0
        self._skipping = False
        self._exhausted = False

    def feed(self, text: str) -> Iterator[CsvRow | BadRow]:
        """The rows that are complete."""
        self._pending.append(text)
        self._waiting += len(text)
        self._length += len(text)
        # the delimiter is chosen from the same text however the stream is cut
        if self._waiting >= self._block and (self.delimiter or self._length > self._max):
            yield from self._read(final=False)

    def finish(self) -> Iterator[CsvRow | BadRow]:
        """The rows that are left at the end of the file."""
        yield from self._read(final=True)

    def _read(self, *, final: bool) -> Iterator[CsvRow | BadRow]:
        text = "".join(self._pending)
        if self.delimiter is None:
            text = self._choose_delimiter(text)
        text = self._skip(text, final=final)
        lines = list(io.StringIO(text, newline=""))
        # a line that ends with a carriage return may be half a line end
        tail = lines.pop() if lines and not final and not lines[-1].endswith("\n") else ""
        suspect = UNSTORABLE.search(text) is not None
        start = 0
        if '"' not in text and not suspect:
            yield from self._plain(lines)
            start = len(lines)
        while start < len(lines):
            reader = csv.reader(self._lines(lines, start), delimiter=self.delimiter or ",", strict=True)
            first = start
            try:
                for cells in reader:
                    row = lines[start : first + reader.line_num]
                    if len(row) > 1 and sum(map(len, row)) > self._max:
                        yield self._broken(row[0])
                        start += 1
                        break
                    yield from self._row(cells, row, suspect=suspect)
                    start += len(row)
            except csv.Error:
                row = lines[start : first + reader.line_num]
                if self._exhausted and not final and sum(map(len, row)) + len(tail) <= self._max:
                    break
                yield self._broken(row[0])
                start += 1
        if start == len(lines) and len(tail) > self._max:
            self._number += 1
            yield too_long(self._number, tail, self._max)
            # keep a carriage return: the line feed that follows belongs to it
            tail = "\r" if tail.endswith("\r") else ""
            self._skipping = True
        self._pending = [*lines[start:], tail]
        self._waiting = 0

    def _plain(self, lines: list[str]) -> Iterator[CsvRow | BadRow]:
        """The rows of lines without quotes, each of which is a row: several times as fast as `csv`."""
        delimiter, number, most = self.delimiter or ",", self._number, self._max
        for line in lines:
            number += 1
            if len(line) > most:
                yield too_long(number, line, most)
                continue
            cells = line.rstrip("\r\n").split(delimiter)
            if any(cells):
                yield CsvRow(number, cells)
        self._number = number

    def _row(self, cells: list[str], lines: list[str], *, suspect: bool) -> Iterator[CsvRow | BadRow]:
        self._number += 1
        if len(lines[0]) > self._max:
            yield too_long(self._number, lines[0], self._max)
        elif suspect and (reason := unstorable_reason("".join(lines))) is not None:
            yield BadRow(self._number, reason, beginning(lines[0]))
        elif any(cells):
            yield CsvRow(self._number, cells)

    def _broken(self, line: str) -> BadRow:
        self._number += 1
        if len(line) > self._max:
            return too_long(self._number, line, self._max)
        return BadRow(self._number, BROKEN_QUOTE, beginning(line))

    def _lines(self, lines: list[str], start: int) -> Iterator[str]:
        self._exhausted = False
        for index in range(start, len(lines)):
            yield lines[index]
        self._exhausted = True

    def _skip(self, text: str, *, final: bool) -> str:
        """The text after the line that was too long."""
        if not self._skipping:
            return text
        end = _LINE_END.search(text)
        if end is None:
            return ""
        if text == "\r" and not final:
            return text
        self._skipping = False
        return text[end.end() :]

    def _choose_delimiter(self, text: str) -> str:
        """The text without the line that names the delimiter: spreadsheets obey this line and do not show it."""
        if separator := _SEPARATOR_LINE.match(text):
            self.delimiter = separator[1]
            return text[separator.end() :]
        unquoted = _QUOTED.sub("", text[: self._max]).lstrip("\r\n")
        header = _LINE_END.split(unquoted, maxsplit=1)[0]
        best = max(_DELIMITERS, key=header.count)
        self.delimiter = best if best in header else ","
        return text
