"""The export of customers. An import of the file gives the same customers again."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from campaign_api.exports.formats import ExportFormat, Layout, Row, cell, csv_layout, json_text
from leopard.audiences.conditions import Condition
from leopard.db.pool import Connection
from leopard.domain.customer_fields import COLUMNS, FieldType
from leopard.domain.spreadsheet_cells import protected

_COLUMNS: Final = (*COLUMNS, "updated_at")

_TYPES: Final = "SELECT name, type FROM customer_fields ORDER BY name"


def customers_query(condition: Condition) -> str:
    """The query of customers that a condition selects, with their columns and their attributes as JSON."""
    return f"""
        SELECT id, {", ".join(_COLUMNS)}, attributes::text
          FROM customers
         WHERE {condition.sql}
         ORDER BY id
    """


async def customers_layout(connection: Connection, file_format: ExportFormat) -> Layout:
    """The layout of exported customers. Call it after the query has begun: then all its attributes are known."""
    if file_format is ExportFormat.NDJSON:
        return Layout("", lambda rows: "".join(map(_line, rows)))
    cursor = await connection.execute(_TYPES)
    types = {name: FieldType(type_) for name, type_ in await cursor.fetchall()}
    names = [f"attributes.{name}" if name in _COLUMNS or name == "id" else name for name in types]
    return csv_layout([*_COLUMNS, *names], _cells(types))


def _line(row: Row) -> str:
    id_, *values, attributes = row
    columns = [f'"{name}": {json_text(value)}' for name, value in zip(_COLUMNS, values, strict=True)]
    return f'{{"id": {id_}, {", ".join(columns)}, "attributes": {attributes}}}\n'


def _cells(types: Mapping[str, FieldType]) -> Callable[[Row], list[str]]:
    def cells(row: Row) -> list[str]:
        # numbers stay as PostgreSQL writes them
        attributes = json.loads(row[-1], parse_int=str, parse_float=str)
        return [
            *map(cell, row[1:-1]),
            *(_attribute(attributes[name], kind) if name in attributes else "" for name, kind in types.items()),
        ]

    return cells


def _attribute(value: Any, kind: FieldType) -> str:  # noqa: ANN401 the value of an attribute
    match kind:
        case FieldType.TEXT | FieldType.DATE:
            return protected(str(value))
        case FieldType.BOOLEAN:
            return "true" if value else "false"
        case FieldType.TEXTS:
            return json.dumps(value, ensure_ascii=False)
        case FieldType.NUMBER:
            return str(value)
