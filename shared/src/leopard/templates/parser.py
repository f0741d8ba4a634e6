"""Parses templates: text with placeholders, filters, conditions and quoted texts becomes a tree.

A brace that begins none of these is text. Such braces must have a counterpart in the same branch, as in the first
version of the language; the innermost pair around the name of a field is a placeholder.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from leopard.templates.condition_parser import ConditionParser
from leopard.templates.field_names import is_attribute_path
from leopard.templates.filter_parser import FilterParser
from leopard.templates.problems import TemplateError
from leopard.templates.quoted_text import QUOTED, unquote
from leopard.templates.tree import Body, Branch, Condition, Field, If, Node, Quoted, Text

MAX_LEVELS: Final = 10
"""Levels of conditions inside conditions."""

_BRACE: Final = re.compile(r"[{}]")

_TAG: Final = re.compile(
    r"""\{\{\s*+(?:
        (?P<if>if)(?=[\s("]|\}\})
      | else\s++(?P<elseif>if)(?=[\s("]|\}\})
      | (?P<else>else)\s*+\}\}
      | (?P<end>end)\s*+\}\}
    )""",
    re.VERBOSE,
)

_FILTERED: Final = re.compile(r"\{\s*+((?:attributes\.)?[a-z][a-z0-9_]*+)\s*+(?=\|)")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A pair of braces that may be meant as a placeholder, and is text."""

    written: str
    position: int


@dataclass(slots=True)
class _OpenBody:
    """A branch, or the whole template, that is being read."""

    text_from: int
    nodes: list[Node] = field(default_factory=list)
    braces: list[int] = field(default_factory=list)
    innermost: int | None = None
    """The last brace that was opened, if nothing but text follows it so far."""


@dataclass(slots=True)
class _OpenIf:
    """An `{{if}}` whose `{{end}}` is not read yet."""

    position: int
    outer: _OpenBody
    condition: Condition | None
    """The condition of the branch that is being read; None after `{{else}}`."""
    branches: list[Branch] = field(default_factory=list)


def parse(text: str, known: frozenset[str]) -> tuple[Body, tuple[Unknown, ...]]:
    """Parse a template in linear time.

    Args:
        text: The template.
        known: The names of fields that placeholders can use.

    Returns:
        The tree, and the pairs of braces that are no placeholder, in the order of their ends.

    Raises:
        TemplateError: A brace has no counterpart, or a filter or a condition is wrong.
    """
    return _Parser(text, known).parse()


class _Parser:
    def __init__(self, text: str, known: frozenset[str]) -> None:
        self._text = text
        self._known = known
        self._body = _OpenBody(0)
        self._ifs: list[_OpenIf] = []
        self._unknown: list[Unknown] = []

    def parse(self) -> tuple[Body, tuple[Unknown, ...]]:
        position = 0
        while brace := _BRACE.search(self._text, position):
            at = brace.start()
            position = self._open(at) if brace.group() == "{" else self._close(at)
        if self._ifs:
            raise TemplateError("'{{if' has no '{{end}}'", self._text, self._ifs[-1].position)
        return self._finished(len(self._text)), tuple(self._unknown)

    def _open(self, at: int) -> int:
        """Read what begins with the brace at a position. Return where the rest begins."""
        if tag := _TAG.match(self._text, at):
            return self._tag(tag)
        if quoted := QUOTED.match(self._text, at + 1):
            if self._text.startswith("}", quoted.end()):
                return self._add(Quoted(unquote(quoted[1])), at, quoted.end() + 1)
        elif (found := _FILTERED.match(self._text, at)) and self._is_field(found[1]):
            parser = FilterParser(self._text, at, found.end())
            return self._add(Field(found[1], parser.parse(), at), at, parser.position)
        self._body.braces.append(at)
        self._body.innermost = at
        return at + 1

    def _close(self, at: int) -> int:
        body = self._body
        if not body.braces:
            raise TemplateError("'}' closes nothing", self._text, at)
        start = body.braces.pop()
        if start != body.innermost:
            return at + 1
        name = self._text[start + 1 : at]
        if self._is_field(name):
            return self._add(Field(name, (), start), start, at + 1)
        body.innermost = None
        self._unknown.append(Unknown(name, start))
        return at + 1

    def _tag(self, tag: re.Match[str]) -> int:
        match tag.lastgroup:
            case "if":
                if len(self._ifs) == MAX_LEVELS:
                    raise TemplateError(f"conditions have more than {MAX_LEVELS} levels", self._text, tag.start())
                condition, end = ConditionParser(self._text, tag.end(), self._known).parse()
                self._ifs.append(_OpenIf(tag.start(), self._body, condition))
                self._body = _OpenBody(end)
                return end
            case "elseif":
                opened = self._end_branch(tag, "{{else if")
                opened.condition, end = ConditionParser(self._text, tag.end(), self._known).parse()
            case "else":
                opened = self._end_branch(tag, "{{else}}")
                opened.condition, end = None, tag.end()
            case _:
                return self._end(tag)
        self._body = _OpenBody(end)
        return end

    def _end_branch(self, tag: re.Match[str], written: str) -> _OpenIf:
        if not self._ifs:
            raise TemplateError(f"'{written}' has no '{{{{if'", self._text, tag.start())
        opened = self._ifs[-1]
        if opened.condition is None:
            raise TemplateError(f"'{written}' after '{{{{else}}}}'", self._text, tag.start())
        opened.branches.append(Branch(opened.condition, self._finished(tag.start())))
        return opened

    def _end(self, tag: re.Match[str]) -> int:
        if not self._ifs:
            raise TemplateError("'{{end}}' has no '{{if'", self._text, tag.start())
        opened = self._ifs.pop()
        body = self._finished(tag.start())
        if opened.condition is not None:
            opened.branches.append(Branch(opened.condition, body))
            body = ()
        self._body = opened.outer
        return self._add(If(tuple(opened.branches), body), opened.position, tag.end())

    def _add(self, node: Node, start: int, end: int) -> int:
        body = self._body
        if start > body.text_from:
            body.nodes.append(Text(self._text[body.text_from : start]))
        body.nodes.append(node)
        body.text_from = end
        body.innermost = None
        return end

    def _finished(self, end: int) -> Body:
        body = self._body
        if body.braces:
            raise TemplateError("'{' is never closed", self._text, body.braces[-1])
        if end > body.text_from:
            body.nodes.append(Text(self._text[body.text_from : end]))
        return tuple(body.nodes)

    def _is_field(self, name: str) -> bool:
        return name in self._known or is_attribute_path(name)
