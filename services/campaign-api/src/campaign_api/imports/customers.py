"""Rows of uploaded files as customers, or as rejects with a reason."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from campaign_api.customers.attributes import AttributeLimits, FieldProblem, check_type, size_problem, type_of
from campaign_api.imports.cells import CellValues, attribute_json, column_text, spelled, type_of_cells
from campaign_api.imports.columns import ATTRIBUTE, IGNORED, WRITTEN, Header, field_named
from campaign_api.imports.phones import imported_phone
from campaign_api.imports.records import CellError, CsvRow, JsonRow, UnreadableFileError
from leopard.domain.customer_fields import FieldType
from leopard.domain.stored_text import MAX_TEXT

TEXT_COLUMNS: Final = tuple(column for column in WRITTEN if column != "phone")


# not frozen: a frozen object takes three times as long to make
@dataclass(slots=True)
class ImportedCustomer:
    """What a row says of a customer."""

    number: int
    phone: str
    texts: list[str | None]
    """The values of `TEXT_COLUMNS`; None leaves one unchanged."""
    attributes: str
    """The given attributes as a JSON object; null removes one."""
    attributes_if_new: str
    """The same without nulls, for a customer that does not exist yet."""
    cleared: tuple[str, ...]
    """Columns whose values are removed."""
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is not stored, and why."""

    number: int
    column: str | None
    reason: str
    cells: Sequence[str]


class CustomerReader(Protocol):
    """Reads rows of one kind of file."""

    types: dict[str, FieldType]
    """The types of the attributes that are known; the caller adds those of `new_types` once they are stored."""

    def new_types(self, rows: Sequence[Any]) -> dict[str, FieldType]:
        """The types of attributes that rows have and that are not known yet."""

    def read(self, row: Any) -> ImportedCustomer | Reject:  # noqa: ANN401 each reader has its own rows
        """The customer of a row."""


class CsvCustomers:
    """Reads rows of CSV files."""

    def __init__(self, header: Header, default_country: str | None, limits: AttributeLimits) -> None:
        self.types: dict[str, FieldType] = {}
        self._header = header
        self._country = default_country
        self._limits = limits
        self._phone = header.fields.index("phone")
        self._texts = [
            (index, TEXT_COLUMNS.index(field), CellValues(partial(column_text, field)))
            for index, field in enumerate(header.fields)
            if field in TEXT_COLUMNS
        ]
        self._attributes = [
            (index, field.removeprefix(ATTRIBUTE), CellValues(partial(self._member, field.removeprefix(ATTRIBUTE))))
            for index, field in enumerate(header.fields)
            if field is not None and field.startswith(ATTRIBUTE)
        ]
        for index, name, _ in self._attributes:
            if len(name) > limits.name_length:
                raise UnreadableFileError(
                    f"Column {index + 1}: an attribute's name must not be longer than {limits.name_length} characters"
                )

    def new_types(self, rows: Sequence[CsvRow]) -> dict[str, FieldType]:
        """The types of attributes that rows have and that are not known yet."""
        found = {
            name: type_of_cells(row.cells[index] for row in rows if index < len(row.cells))
            for index, name, _ in self._attributes
            if name not in self.types
        }
        return {name: kind for name, kind in found.items() if kind is not None}

    def read(self, row: CsvRow) -> ImportedCustomer | Reject:
        """The customer of a row."""
        cells = row.cells
        width = len(self._header.names)
        if len(cells) != width:
            if any(cells[width:]):
                reason = f"has {len(cells)} cells, but the first row has {width}"
                return Reject(row.number, None, reason, cells)
            cells = cells[:width] + [""] * (width - len(cells))
        index = self._phone
        texts: list[str | None] = [None] * len(TEXT_COLUMNS)
        attributes: list[str] = []
        try:
            phone = imported_phone(cells[index], self._country)
            for index, position, values in self._texts:
                if cell := cells[index]:
                    texts[position] = values[cell]
            for index, _, members in self._attributes:
                if (cell := cells[index]) and (member := members[cell]):
                    attributes.append(member)
        except CellError as error:
            return Reject(row.number, self._header.names[index], str(error), cells)
        written = f"{{{', '.join(attributes)}}}"
        problem = size_problem(len(attributes), written, self._limits)
        if problem is not None:
            return Reject(row.number, None, problem, cells)
        return ImportedCustomer(row.number, phone, texts, written, written, (), cells)

    def _member(self, name: str, cell: str) -> str | None:
        """An attribute as a member of a JSON object; None for a blank cell."""
        kind = self.types.get(name)
        value = None if kind is None else attribute_json(cell, kind)
        return None if value is None else f'"{name}": {value}'


class JsonCustomers:
    """Reads lines of NDJSON files: objects as `POST /customers` takes them, or with attributes beside the columns."""

    def __init__(self, given: Mapping[str, str], default_country: str | None, limits: AttributeLimits) -> None:
        self.types: dict[str, FieldType] = {}
        self._given = given
        self._country = default_country
        self._limits = limits

    def new_types(self, rows: Sequence[JsonRow]) -> dict[str, FieldType]:
        """The types of attributes that rows have and that are not known yet."""
        found: dict[str, FieldType] = {}
        for row in rows:
            try:
                _, attributes = self._fields(row)
            except FieldProblem:
                continue
            for name, value in attributes.items():
                if name in self.types or value is None:
                    continue
                try:
                    kind = type_of(name, value, self._limits)
                except FieldProblem:
                    continue
                known = found.setdefault(name, kind)
                if {known, kind} == {FieldType.DATE, FieldType.TEXT}:
                    found[name] = FieldType.TEXT
        return found

    def read(self, row: JsonRow) -> ImportedCustomer | Reject:
        """The customer of a line."""
        column: str | None = None
        texts: list[str | None] = [None] * len(TEXT_COLUMNS)
        cleared = []
        try:
            columns, attributes = self._fields(row)
            column = "phone"
            phone = imported_phone(_text(columns.get(column, "")), self._country)
            for position, column in enumerate(TEXT_COLUMNS):
                if column in columns:
                    if columns[column] is None:
                        cleared.append(column)
                    else:
                        texts[position] = spelled(column, _text(columns[column]))
            for column, value in attributes.items():
                if value is not None:
                    kind = type_of(column, value, self._limits)
                    check_type(column, kind, self.types[column])
        except CellError as error:
            return Reject(row.number, column, str(error), [_line(row)])
        except FieldProblem as error:
            return Reject(row.number, error.field or None, error.problem, [_line(row)])
        written = json.dumps(attributes, ensure_ascii=False)
        problem = size_problem(len(attributes), written, self._limits)
        if problem is not None:
            return Reject(row.number, None, problem, [_line(row)])
        if_new = written
        if None in attributes.values():
            given = {name: value for name, value in attributes.items() if value is not None}
            if_new = json.dumps(given, ensure_ascii=False)
        return ImportedCustomer(row.number, phone, texts, written, if_new, tuple(cleared), [_line(row)])

    def _fields(self, row: JsonRow) -> tuple[dict[str, Any], dict[str, Any]]:
        """The columns and the attributes of a line."""
        columns: dict[str, Any] = {}
        attributes: dict[str, Any] = {}
        for name, value in row.values.items():
            field = self._given.get(name, name)
            if field == "attributes":
                if not isinstance(value, dict):
                    raise FieldProblem("attributes", "must be an object")
                attributes.update(value)
            elif field in WRITTEN:
                columns[field] = value
            elif field and field not in IGNORED and field != "id":
                if field_named(field) is None:
                    raise FieldProblem(field[:60], "is no name of a field")
                attributes[field.removeprefix(ATTRIBUTE)] = value
        return columns, attributes


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise CellError("must be a text")
    if len(value) > MAX_TEXT:
        raise CellError(f"is longer than {MAX_TEXT} characters")
    return value


def _line(row: JsonRow) -> str:
    return json.dumps(row.values, ensure_ascii=False)
