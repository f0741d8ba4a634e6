"""Problems of templates: what is wrong, where, and what may be meant."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

_PICTURE_WIDTH: Final = 72
_MAX_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem and its place; lines and columns are counted from 1."""

    message: str
    line: int
    column: int
    nearest: str | None
    """The known name that is most like an unknown one."""
    picture: str
    """The line, or the part of it around the problem, with a caret below the problem."""

    def __str__(self) -> str:
        hint = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"{self.message} at line {self.line}, column {self.column}{hint}"


def problem_at(message: str, text: str, position: int, nearest: str | None = None) -> Problem:
    """The problem at a position, counted from 0, in a template's text."""
    start, end = text.rfind("\n", 0, position) + 1, text.find("\n", position)
    line = text[start : len(text) if end < 0 else end]
    column = position - start
    first = max(0, column - _PICTURE_WIDTH // 2)
    shown = line[first : first + _PICTURE_WIDTH].rstrip("\r")
    # tabs stay, so that the caret stands below its character
    before = "".join("\t" if character == "\t" else " " for character in line[first:column])
    return Problem(message, text.count("\n", 0, position) + 1, column + 1, nearest, f"{shown}\n{before}^")


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, if one is like it."""
    found = get_close_matches(name[:_MAX_NAME].lower(), sorted(known), n=1, cutoff=0.6)
    return found[0] if found else None


class TemplateError(ValueError):
    """A template does not parse; gives the line and column, counted from 1."""

    def __init__(self, message: str, text: str, position: int, nearest: str | None = None) -> None:
        self.problem = problem_at(message, text, position, nearest)
        super().__init__(str(self.problem))

    @property
    def line(self) -> int:
        """The line of the error."""
        return self.problem.line

    @property
    def column(self) -> int:
        """The column of the error."""
        return self.problem.column

    @property
    def nearest(self) -> str | None:
        """The known name that is most like an unknown one."""
        return self.problem.nearest

    @property
    def picture(self) -> str:
        """The line of the error with a caret below it."""
        return self.problem.picture
