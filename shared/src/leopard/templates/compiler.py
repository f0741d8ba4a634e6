"""Makes a function of a template's tree: a customer's values in, the message out.

Parts that only insert texts of columns become one format each, because nearly all templates hold nothing else.
"""

from collections.abc import Callable, Iterable
from itertools import groupby
from operator import itemgetter
from typing import Final, Protocol, TypeAlias

from leopard.domain.customer_fields import COLUMNS, FieldType
from leopard.templates.condition_compiler import Values, compile_condition, reader
from leopard.templates.filters import prepare
from leopard.templates.tree import Body, Field, If, Node, Quoted, Text
from leopard.templates.values import as_text

MAX_RENDERED: Final = 100_000
"""A longer text is cut there, if filters or conditions made it. No channel carries texts of this length."""

DEFAULT_LANGUAGE: Final = "en"
"""The language of formats where the recipient has none."""

_Part: TypeAlias = Callable[[Values, str], str]


class Renderer(Protocol):
    """A compiled template."""

    def __call__(self, values: Values, language: str | None = None, /) -> str:
        """Render the text for one customer. What a value holds is never read as part of the template.

        Args:
            values: The customer's columns, and the attributes under `attributes`. A field that is missing, null or
                empty gives an empty text.
            language: The language of formatted numbers and days; if None, the customer's `preferred_language`.
        """
        ...


def compile_template(body: Body) -> Renderer:
    """The function of a template. It raises nothing, whatever the values."""
    if all(map(_is_plain, body)):
        return _plain(body)
    part = _compile_body(body)

    def render(values: Values, language: str | None = None, /) -> str:
        return part(values, language or values.get("preferred_language") or DEFAULT_LANGUAGE)[:MAX_RENDERED]

    return render


def _compile_body(body: Body) -> _Part:
    parts: list[_Part] = []
    for is_plain, nodes in groupby(body, _is_plain):
        if is_plain:
            parts.append(_plain(nodes))
        else:
            parts.extend(_compile_node(node) for node in nodes)
    if len(parts) == 1:
        return parts[0]
    return lambda values, language: "".join([part(values, language) for part in parts])


def _is_plain(node: Node) -> bool:
    match node:
        case Field(name, filters):
            return not filters and COLUMNS.get(name) is FieldType.TEXT
        case _:
            return not isinstance(node, If)


def _plain(nodes: Iterable[Node]) -> Renderer:
    written: list[str] = []
    names: list[str] = []
    for node in nodes:
        match node:
            case Field(name):
                names.append(name)
                written.append("%s")
            case Text(text) | Quoted(text):
                written.append(text.replace("%", "%%"))
    form = "".join(written)
    if not names:
        fixed = form % ()
        return lambda _values, _language=None, /: fixed
    if len(names) == 1:
        only = names[0]
        return lambda values, _language=None, /: form % (values.get(only) or "",)
    read = itemgetter(*names)

    def render(values: Values, _language: str | None = None, /) -> str:
        try:
            found = read(values)
        except KeyError:
            found = tuple([values.get(name) for name in names])
        return form % (found if all(found) else tuple([value or "" for value in found]))

    return render


def _compile_node(node: Node) -> _Part:
    match node:
        case If(branches, otherwise):
            chosen = [(compile_condition(branch.condition), _compile_body(branch.body)) for branch in branches]
            return _choice(chosen, _compile_body(otherwise))
        case Field(name, filters):
            read = reader(name)
            steps = [prepare(applied.name, applied.arguments) for applied in filters]

            def render(values: Values, language: str) -> str:
                value = read(values)
                for step in steps:
                    value = step(value, language)
                return value if type(value) is str else as_text(value)

            return render
        case Text(text) | Quoted(text):
            return lambda _values, _language: text


def _choice(branches: list[tuple[Callable[[Values], bool], _Part]], otherwise: _Part) -> _Part:
    def render(values: Values, language: str) -> str:
        for holds, part in branches:
            if holds(values):
                return part(values, language)
        return otherwise(values, language)

    return render
