"""Texts in the cells of CSV files that spreadsheets open.

A spreadsheet runs a cell that begins with =, +, - or @ as a formula (OWASP, "CSV Injection"), and people expect blanks
around a cell to mean nothing. An apostrophe before the text keeps it as it is. Every text survives the way out and in.
"""

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

_FORMULA: Final = re.compile(r"[=+\-@\t\r]")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def protected(text: str) -> str:
    """The cell for a text: with an apostrophe before it, if a spreadsheet or a reader would take it for another."""
    return f"'{text}" if _needs_protection(text) else text


def unprotected(cell: str) -> str:
    """The text of a cell: without a protecting apostrophe, or without the blanks around it."""
    if cell.startswith("'") and _needs_protection(cell[1:]):
        return cell[1:]
    return cell.strip()


def csv_text(rows: Iterable[list[str]]) -> str:
    """Rows of cells as CSV (RFC 4180)."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _needs_protection(text: str) -> bool:
    if text != text.strip():
        return True
    inner = text.lstrip("'")
    if not inner or inner != inner.lstrip():
        return True
    return _FORMULA.match(inner) is not None and _NUMBER.fullmatch(inner) is None
