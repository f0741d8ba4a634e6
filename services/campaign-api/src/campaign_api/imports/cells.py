"""Cells of uploaded files as values of a customer's fields."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from json.encoder import encode_basestring
from typing import Final

from campaign_api.imports.records import CellError
from leopard.domain.customer_fields import FieldType, is_date
from leopard.domain.languages import language_tag
from leopard.domain.spreadsheet_cells import unprotected
from leopard.domain.stored_text import MAX_TEXT
from leopard.domain.time_zones import time_zone

# as JSON writes numbers; a customer number such as 0012 is a text
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,300})(?:\.[0-9]{1,400})?")
_LIST: Final = re.compile(r"\[.*\]", re.DOTALL)
_SEPARATOR: Final = re.compile(r"[,;]")
_BOOLEANS: Final = {
    "true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false",
}  # fmt: skip

_KEPT_CELLS: Final = 5000

_SPELLINGS: Final[Mapping[str, Callable[[str], str]]] = {"preferred_language": language_tag, "time_zone": time_zone}
"""The columns that do not take any text, with what checks and spells theirs."""


def text_of(cell: str) -> str | None:
    """The text of a cell; None if it is blank. A protected cell may hold an empty text.

    Raises:
        CellError: The text is too long.
    """
    text = unprotected(cell)
    if not text and not cell.startswith("'"):
        return None
    if len(text) > MAX_TEXT:
        raise CellError(f"is longer than {MAX_TEXT} characters")
    return text


class CellValues(dict[str, str | None]):
    """The values of a column by their cells. Many cells repeat, so each is converted once."""

    def __init__(self, convert: Callable[[str], str | None]) -> None:
        super().__init__()
        self._convert = convert

    def __missing__(self, cell: str) -> str | None:
        """Convert a cell.

        Raises:
            CellError: The column does not have such a value.
        """
        value = self._convert(cell)
        if len(self) < _KEPT_CELLS:
            self[cell] = value
        return value


def column_text(column: str, cell: str) -> str | None:
    """The text of a cell as a column stores it; None if it is blank.

    Raises:
        CellError: The column does not have such a value.
    """
    text = text_of(cell)
    return spelled(column, text) if text else text


def spelled(column: str, text: str) -> str:
    """A text as a column stores it.

    Raises:
        CellError: The column does not have such a value.
    """
    spelling = _SPELLINGS.get(column)
    if spelling is None:
        return text
    try:
        return spelling(text)
    except ValueError as error:
        raise CellError(str(error)) from None


def attribute_json(cell: str, kind: FieldType) -> str | None:
    """The JSON of an attribute's value; None if the cell is blank.

    Raises:
        CellError: It is no value of that type.
    """
    text = text_of(cell)
    if text is None:
        return None
    if kind is FieldType.TEXT:
        return encode_basestring(text)
    match kind:
        case FieldType.NUMBER if _NUMBER.fullmatch(text):
            return text
        case FieldType.BOOLEAN if (value := _BOOLEANS.get(text.lower())) is not None:
            return value
        case FieldType.DATE if is_date(text):
            return f'"{text}"'
        case FieldType.TEXTS:
            return json.dumps(_list(text), ensure_ascii=False)
        case _:
            raise CellError(f"must be {kind.words}, as the first value of this field was")


def type_of_cells(cells: Iterable[str]) -> FieldType | None:
    """The type of a new attribute, from the cells of a column; None if all are blank."""
    filled = {cell for cell in cells if cell and not cell.isspace()}
    if not filled:
        return None
    texts = set(map(unprotected, filled))
    if all(map(_NUMBER.fullmatch, texts)):
        return FieldType.NUMBER
    if texts <= {"true", "false", "TRUE", "FALSE", "True", "False"}:
        return FieldType.BOOLEAN
    if all(map(is_date, texts)):
        return FieldType.DATE
    return FieldType.TEXTS if all(map(_json_texts, texts)) else FieldType.TEXT


def _list(text: str) -> list[str]:
    """The texts of a list: as JSON, or separated by commas or semicolons."""
    listed = _json_texts(text)
    if listed is None:
        listed = [part.strip() for part in _SEPARATOR.split(text) if part.strip()]
    return listed


def _json_texts(text: str) -> list[str] | None:
    if _LIST.fullmatch(text) is None:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if all(isinstance(item, str) for item in value) else None
