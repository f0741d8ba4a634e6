"""The error of a template that does not parse: where it is, what is wrong, and what may be meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_PICTURE_WIDTH: Final = 72
_MAX_NAME: Final = 40


class TemplateError(ValueError):
    """A template does not parse; gives the line and column, counted from 1."""

    def __init__(self, problem: str, text: str, position: int, nearest: str | None = None) -> None:
        line_start = text.rfind("\n", 0, position) + 1
        self.problem = problem
        self.line = text.count("\n", 0, position) + 1
        self.column = position - line_start + 1
        self.nearest = nearest
        """The known name that is most like an unknown one."""
        line_end = text.find("\n", position)
        self._line_text = text[line_start : len(text) if line_end < 0 else line_end]
        hint = f"; did you mean {nearest}?" if nearest else ""
        super().__init__(f"{problem} at line {self.line}, column {self.column}{hint}")

    @property
    def picture(self) -> str:
        """The line, or the part of it around the error, with a caret below the error."""
        first = max(0, self.column - 1 - _PICTURE_WIDTH // 2)
        shown = self._line_text[first : first + _PICTURE_WIDTH].rstrip("\r")
        # tabs stay, so that the caret stands below its character
        before = "".join("\t" if character == "\t" else " " for character in shown[: self.column - 1 - first])
        return f"{shown}\n{before}^"


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, if one is like it."""
    found = get_close_matches(name[:_MAX_NAME].lower(), sorted(known), n=1, cutoff=0.6)
    return found[0] if found else None
