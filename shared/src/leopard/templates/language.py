"""Templates with filters and conditions: parse once, render for each customer.

docs/templates.md describes the language. Campaigns of the first version are rendered by `rendering`: in them, filters
and conditions are text.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from leopard.templates.compiler import Renderer, compile_template
from leopard.templates.field_names import FIELDS, PLAIN_FIELDS, known_names
from leopard.templates.parser import Unknown, parse
from leopard.templates.printer import print_template
from leopard.templates.problems import TemplateError
from leopard.templates.tree import Body, Field, Text

__all__ = [
    "FIELDS",
    "Template",
    "TemplateError",
    "has_new_constructs",
    "known_names",
    "parse_template",
]

_CACHED: Final = 1024


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed and compiled template."""

    text: str
    tree: Body
    unknown_at: tuple[Unknown, ...]
    render: Renderer = field(compare=False, repr=False)
    """Renders the text for one customer, as `compiler.Renderer` says."""

    @property
    def unknown(self) -> tuple[str, ...]:
        """Pairs of braces that are no placeholder, each once, in the order of the text. Rendering keeps them."""
        return tuple(dict.fromkeys(unknown.written for unknown in self.unknown_at))

    def __str__(self) -> str:
        """The template as text with the usual spaces; it parses to the same tree."""
        return print_template(self.tree)


@lru_cache(maxsize=_CACHED)
def parse_template(text: str, known: frozenset[str] = PLAIN_FIELDS) -> Template:
    """Parse and compile a template. Recent templates are kept.

    Args:
        text: The template.
        known: The names that are placeholders, from `known_names`. Others stay text.

    Raises:
        TemplateError: A brace has no counterpart, or a filter or a condition is wrong.
    """
    tree, unknown = parse(text, known)
    return Template(text, tree, unknown, compile_template(tree))


def has_new_constructs(template: Template) -> bool:
    """Whether a process of the first version of the language would render the template differently, or refuse it."""
    return not all(
        isinstance(node, Text) or (isinstance(node, Field) and not node.filters and node.name in PLAIN_FIELDS)
        for node in template.tree
    )
