"""Parses the filters of a placeholder: `|truncate:20|default:"friend"}`."""

import re
from typing import Final

from leopard.templates.filters import FILTERS, Argument, ArgumentError, prepare
from leopard.templates.problems import TemplateError, nearest_name
from leopard.templates.quoted_text import CURLY_QUOTES, QUOTED, unquote
from leopard.templates.tree import Filter

MAX_FILTERS: Final = 10
"""Filters of one placeholder."""

_SPACE: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r"[^\W\d]\w{0,39}")
_NUMBER: Final = re.compile(r"(-?\d{1,15})(\.\d{1,9})?(?![\w.])", re.ASCII)


class FilterParser:
    """Reads the filters of one placeholder, from the bar behind the field's name to the closing brace."""

    def __init__(self, text: str, opened: int, position: int) -> None:
        self._text = text
        self._opened = opened
        self.position = position
        """Where the rest of the template begins, after `parse`."""

    def parse(self) -> tuple[Filter, ...]:
        """The filters in their order.

        Raises:
            TemplateError: A filter is unknown, an argument is wrong, or the brace is not closed.
        """
        filters: list[Filter] = []
        while self._skips("|"):
            if len(filters) == MAX_FILTERS:
                raise self._error(f"more than {MAX_FILTERS} filters in one placeholder")
            filters.append(self._filter())
        if not self._skips("}"):
            raise self._unexpected()
        return tuple(filters)

    def _filter(self) -> Filter:
        self._skip_space()
        start = self.position
        word = _WORD.match(self._text, start)
        if word is None:
            raise self._error("the name of a filter is missing")
        name = word.group()
        if name not in FILTERS:
            raise TemplateError(f"unknown filter '{name}'", self._text, start, nearest_name(name, FILTERS))
        self.position = word.end()
        arguments: list[Argument] = []
        positions: list[int] = []
        while self._skips(":"):
            self._skip_space()
            positions.append(self.position)
            arguments.append(self._argument())
        try:
            prepare(name, tuple(arguments))
        except ArgumentError as error:
            at = start if error.index is None else positions[error.index]
            raise TemplateError(str(error), self._text, at, error.nearest) from None
        return Filter(name, tuple(arguments), start)

    def _argument(self) -> Argument:
        quoted = QUOTED.match(self._text, self.position)
        if quoted:
            self.position = quoted.end()
            return unquote(quoted[1])
        number = _NUMBER.match(self._text, self.position)
        if number:
            self.position = number.end()
            return float(number.group()) if number[2] else int(number[1])
        following = self._text[self.position : self.position + 1]
        if following in CURLY_QUOTES and following:
            raise self._error('a text needs straight quotes: "..."')
        if following == '"':
            raise self._error("the text is not closed by a quote")
        raise self._error('an argument is a text in double quotes, "...", or a number')

    def _unexpected(self) -> TemplateError:
        if self.position == len(self._text):
            return TemplateError("'{' is never closed", self._text, self._opened)
        return self._error(f"unexpected '{self._text[self.position]}' after a filter")

    def _skips(self, mark: str) -> bool:
        self._skip_space()
        if not self._text.startswith(mark, self.position):
            return False
        self.position += 1
        return True

    def _skip_space(self) -> None:
        found = _SPACE.match(self._text, self.position)
        self.position = found.end() if found else self.position

    def _error(self, problem: str) -> TemplateError:
        return TemplateError(problem, self._text, self.position)
