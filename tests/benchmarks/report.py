"""The report of a run: tables for readers, JSON for programs."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass
class Report:
    """The results so far. Each new result is written to the file."""

    file: Path
    results: dict[str, Any] = field(default_factory=dict)
    console: Console = field(default_factory=Console)

    def say(self, text: str) -> None:
        """Show progress."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201 progress

    def keep(self, name: str, value: Any) -> None:
        """Store a result under a name, and write all results so far."""
        self.results[name] = value
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(self.results, indent=2, ensure_ascii=False) + "\n")

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Show a table."""
        table = Table(title=title, title_justify="left")
        for index, column in enumerate(columns):
            table.add_column(column, justify="left" if index == 0 else "right")
        for row in rows:
            table.add_row(*(_shown(cell) for cell in row))
        self.console.print(table)

    def ratios(self, found: Mapping[str, tuple[float, str]]) -> None:
        """Show the ratios between figures of this run, each with its aim."""
        self.keep("ratios", {name: {"measured": value, "aim": aim} for name, (value, aim) in found.items()})
        self.table("ratios within this run", ("", "measured", "aim"), [(n, v, a) for n, (v, a) in found.items()])


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.2f}"
    return str(cell)
