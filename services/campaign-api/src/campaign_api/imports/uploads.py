"""An uploaded file, from its bytes to its rows: compression, encoding, format and header."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from campaign_api.customers.attributes import AttributeLimits
from campaign_api.imports.columns import Header, read_header
from campaign_api.imports.csv_rows import CsvRows
from campaign_api.imports.customers import CsvCustomers, CustomerReader, JsonCustomers
from campaign_api.imports.decoding import Decoder, Encoding, Inflater
from campaign_api.imports.ndjson_rows import NdjsonRows
from campaign_api.imports.records import BadRow, CsvRow, JsonRow, UnreadableFileError

_ZIP: Final = b"PK\x03\x04"
_BLANKS: Final = " \t\r\n"


class ImportFormat(StrEnum):
    """The format of an uploaded file."""

    CSV = "csv"
    NDJSON = "ndjson"


@dataclass(frozen=True, slots=True)
class FileOptions:
    """What the request says about the file."""

    limits: AttributeLimits
    format: ImportFormat | None = None
    encoding: Encoding | None = None
    default_country: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    """Fields by the names of columns."""


class UploadedFile:
    """Reads the rows of a file whose bytes arrive in parts."""

    def __init__(self, options: FileOptions) -> None:
        self._options = options
        self._inflater = Inflater()
        self._decoder = Decoder(options.encoding)
        self._rows: CsvRows | NdjsonRows | None = None
        self._head = ""
        self._start = b""
        self.format = options.format
        self.header: Header | None = None
        self.reader: CustomerReader | None = None
        """Known from the first row on."""
        self.characters = 0
        """The length of the text that was read."""

    @property
    def encoding(self) -> Encoding | None:
        """The encoding; None as long as the file is ASCII."""
        return self._decoder.encoding

    def feed(self, data: bytes) -> Iterator[CsvRow | JsonRow | BadRow]:
        """The rows that are complete, after the header.

        Raises:
            UnreadableFileError: The file cannot be read.
        """
        if len(self._start) < len(_ZIP):
            self._start = (self._start + data)[: len(_ZIP)]
            if self._start == _ZIP:
                raise UnreadableFileError("The file is a workbook or a zip archive; save it as CSV")
        for part in self._inflater.feed(data):
            for text in self._decoder.feed(part):
                yield from self._read(text)

    def finish(self) -> Iterator[CsvRow | JsonRow | BadRow]:
        """The rows that are left at the end.

        Raises:
            UnreadableFileError: The file is cut off, or empty.
        """
        for part in self._inflater.finish():
            for text in self._decoder.feed(part):
                yield from self._read(text)
        for text in self._decoder.finish():
            yield from self._read(text)
        if self._rows is None:
            raise UnreadableFileError("The file is empty")
        yield from self._after_header(self._rows.finish())
        if self.reader is None:
            raise UnreadableFileError("The file is empty")

    def _read(self, text: str) -> Iterator[CsvRow | JsonRow | BadRow]:
        self.characters += len(text)
        if self._rows is None:
            self._head += text
            if not self._head.lstrip(_BLANKS):
                return
            text, self._head = self._head, ""
            self._rows = self._begin(text.lstrip(_BLANKS)[0])
        yield from self._after_header(self._rows.feed(text))

    def _begin(self, first: str) -> CsvRows | NdjsonRows:
        if self.format is None:
            self.format = ImportFormat.NDJSON if first in "{[" else ImportFormat.CSV
        if self.format is ImportFormat.CSV:
            return CsvRows()
        if first == "[":
            raise UnreadableFileError("The file is a JSON list; write one object a line (NDJSON)")
        options = self._options
        self.reader = JsonCustomers(options.fields, options.default_country, options.limits)
        return NdjsonRows()

    def _after_header(self, rows: Iterator[CsvRow | JsonRow | BadRow]) -> Iterator[CsvRow | JsonRow | BadRow]:
        for row in rows:
            if self.reader is not None:
                yield row
            elif isinstance(row, CsvRow):
                options = self._options
                self.header = read_header(row.cells, options.fields)
                self.reader = CsvCustomers(self.header, options.default_country, options.limits)
            else:
                reason = row.reason if isinstance(row, BadRow) else "is not CSV"
                raise UnreadableFileError(f"The first row {reason}; it must name the columns")
