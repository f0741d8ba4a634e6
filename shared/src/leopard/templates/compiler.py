"""Makes a function of a template's tree: a customer's values in, the message out.

A template that only inserts texts of columns becomes one format, because nearly all templates hold nothing else.
"""

from collections.abc import Callable
from operator import itemgetter
from typing import Final, Protocol, TypeAlias

from leopard.domain.customer_fields import COLUMNS, FieldType
from leopard.templates.condition_compiler import Read, Values, compile_condition, reader
from leopard.templates.filters import Step, prepare
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


def _is_plain(node: Node) -> bool:
    match node:
        case Field(name, filters):
            return not filters and COLUMNS.get(name) is FieldType.TEXT
        case _:
            return not isinstance(node, If)


def _form(body: Body) -> str:
    """The format of a body: its texts, and `%s` for everything else."""
    return "".join(node.text.replace("%", "%%") if isinstance(node, Text | Quoted) else "%s" for node in body)


def _plain(body: Body) -> Renderer:
    form = _form(body)
    names = [node.name for node in body if isinstance(node, Field)]
    if len(names) < 2:
        return lambda values, _language=None, /: form % tuple([values.get(name) or "" for name in names])
    read = itemgetter(*names)

    def render(values: Values, _language: str | None = None, /) -> str:
        try:
            found = read(values)
        except KeyError:
            found = tuple([values.get(name) for name in names])
        return form % (found if all(found) else tuple([value or "" for value in found]))

    return render


def _compile_body(body: Body) -> _Part:
    form = _form(body)
    parts = [_compile_node(node) for node in body if isinstance(node, Field | If)]
    match parts:
        case []:
            fixed = form % ()
            return lambda _values, _language: fixed
        case [part]:
            return part if form == "%s" else lambda values, language: form % (part(values, language),)
        case _:
            return lambda values, language: form % tuple([part(values, language) for part in parts])


def _compile_node(node: Field | If) -> _Part:
    if isinstance(node, If):
        chosen = [(compile_condition(branch.condition), _compile_body(branch.body)) for branch in node.branches]
        return _choice(chosen, _compile_body(node.otherwise))
    name = node.name
    if _is_plain(node):
        return lambda values, _language: values.get(name) or ""
    read = reader(name)
    return _filtered(read, [prepare(applied.name, applied.arguments) for applied in node.filters])


def _filtered(read: Read, steps: list[Step]) -> _Part:
    def render(values: Values, language: str) -> str:
        value = read(values)
        for step in steps:
            value = step(value, language)
        return value if type(value) is str else as_text(value)

    return render


def _choice(branches: list[tuple[Read, _Part]], otherwise: _Part) -> _Part:
    def render(values: Values, language: str) -> str:
        for holds, part in branches:
            if holds(values):
                return part(values, language)
        return otherwise(values, language)

    return render
