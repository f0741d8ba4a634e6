"""Writes a tree as the text of a template. Parsing that text gives the same tree again."""

from decimal import Decimal

from leopard.templates.quoted_text import quote
from leopard.templates.tree import (
    And,
    Body,
    Comparison,
    Condition,
    Field,
    Filter,
    If,
    Literal,
    Node,
    Not,
    Or,
    Quoted,
    Scalar,
    Text,
)


def print_template(body: Body) -> str:
    """The text of a template, with the usual spaces."""
    return "".join(map(_node, body))


def _node(node: Node) -> str:
    match node:
        case Text(text):
            return text
        case Quoted(text):
            return f"{{{quote(text)}}}"
        case Field(name, filters):
            return f"{{{'|'.join([name, *map(_filter, filters)])}}}"
        case If(branches, otherwise):
            words = ["if", *["else if"] * (len(branches) - 1)]
            written = [
                f"{{{{{word} {_condition(branch.condition)}}}}}{print_template(branch.body)}"
                for word, branch in zip(words, branches, strict=True)
            ]
            if otherwise:
                written.append("{{else}}" + print_template(otherwise))
            return "".join(written) + "{{end}}"


def _filter(applied: Filter) -> str:
    return ":".join([applied.name, *map(_constant, applied.arguments)])


def _condition(condition: Condition) -> str:
    match condition:
        case Field(name):
            return name
        case Literal(value):
            return _constant(value)
        case Comparison(left, operator, right):
            return f"{_operand(left)} {operator} {_operand(right)}"
        case Not(part):
            return f"not {_within(part, And, Or)}"
        case And(parts):
            return " and ".join(_within(part, And, Or) for part in parts)
        case Or(parts):
            return " or ".join(_within(part, Or) for part in parts)


def _operand(condition: Condition) -> str:
    return _within(condition, Comparison, Not, And, Or)


def _within(condition: Condition, *looser: type[Condition]) -> str:
    """A part of a condition, in parentheses if it would be read otherwise without them."""
    written = _condition(condition)
    return f"({written})" if isinstance(condition, looser) else written


def _constant(value: Scalar) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return quote(value)
        case int():
            return str(value)
        case float():
            return format(Decimal(repr(value)), "f")
        case _:
            return value.isoformat()
