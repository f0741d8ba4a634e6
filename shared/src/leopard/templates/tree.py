"""The tree of a template. `parser` makes it, `printer` writes it as text, `compiler` makes a renderer of it.

Positions are counted from 0 in the template's text; two trees that differ only in positions are equal.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | date


@dataclass(frozen=True, slots=True)
class Text:
    """Text that stands for itself, to the byte."""

    text: str


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quoted text, `{"..."}`, without its quotes."""

    text: str


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter with its arguments: `truncate:20`."""

    name: str
    arguments: tuple[str | int | float, ...] = ()
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the customer and the filters that its value passes, from left to right."""

    name: str
    """A column, an attribute, or `attributes.` and the name of an attribute."""
    filters: tuple[Filter, ...] = ()
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant in a condition."""

    value: Scalar


class Operator(StrEnum):
    """The operators of comparisons."""

    EQUAL = "=="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands and the operator between them."""

    left: "Condition"
    operator: Operator
    right: "Condition"
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All parts are true."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part is true."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is false."""

    part: "Condition"


Condition: TypeAlias = Field | Literal | Comparison | And | Or | Not


@dataclass(frozen=True, slots=True)
class Branch:
    """What is rendered where a condition is true."""

    condition: Condition
    body: "Body"


@dataclass(frozen=True, slots=True)
class If:
    """`{{if}}`, each `{{else if}}`, and what follows `{{else}}`. The first branch that is true is rendered."""

    branches: tuple[Branch, ...]
    otherwise: "Body" = ()


Node: TypeAlias = Text | Quoted | Field | If
Body: TypeAlias = tuple[Node, ...]
