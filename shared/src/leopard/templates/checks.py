"""Warns of what a template that parses may not mean: unknown fields, and values that never fit.

A warning prevents nothing. At send time an unknown placeholder is text, an unknown field is null, a filter that does
not fit leaves the value as it is, and a comparison that does not fit is false.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from leopard.domain.blank_text import is_blank
from leopard.domain.customer_fields import COLUMNS, FieldType
from leopard.templates.field_names import attribute_of
from leopard.templates.language import Template
from leopard.templates.problems import Problem, nearest_name, problem_at
from leopard.templates.tree import And, Body, Comparison, Condition, Field, If, Literal, Not, Operator, Or

_FITTING: Final[Mapping[str, frozenset[FieldType]]] = {
    "number": frozenset({FieldType.NUMBER, FieldType.TEXT}),
    "currency": frozenset({FieldType.NUMBER, FieldType.TEXT}),
    "date": frozenset({FieldType.DATE, FieldType.TEXT}),
    "pluralize": frozenset({FieldType.TEXT}),
}
"""The types of values that a filter changes, for filters that do not take all. A text may spell a number or a day."""

_TEXT_OR_DATE: Final = frozenset({FieldType.TEXT, FieldType.DATE})


def check_template(template: Template, attributes: Mapping[str, FieldType]) -> tuple[Problem, ...]:
    """The warnings about a template, in the order of the text.

    Args:
        template: The template.
        attributes: The attributes that customers have, with their types.
    """
    checker = _Checker(template.text, attributes)
    unknown = (checker.unknown_placeholder(one.written, one.position) for one in template.unknown_at)
    found = [*unknown, *checker.body(template.tree)]
    return tuple(sorted(found, key=lambda problem: (problem.line, problem.column)))


def used_fields(body: Body) -> Iterator[str]:
    """The names of the fields that a template uses, some of them several times."""
    for node in body:
        match node:
            case Field(name):
                yield name
            case If(branches, otherwise):
                for branch in branches:
                    yield from _compared_fields(branch.condition)
                    yield from used_fields(branch.body)
                yield from used_fields(otherwise)


def _compared_fields(condition: Condition) -> Iterator[str]:
    match condition:
        case Field(name):
            yield name
        case And(parts) | Or(parts):
            for part in parts:
                yield from _compared_fields(part)
        case Not(part):
            yield from _compared_fields(part)
        case Comparison(left, _, right):
            yield from _compared_fields(left)
            yield from _compared_fields(right)


def fields_without_fallback(body: Body, guarded: frozenset[str] = frozenset()) -> list[str]:
    """The fields that leave a gap where they are empty, each once.

    A field has a fallback if it passes the filter `default`, or stands in a branch that needs its value.
    """
    found: dict[str, None] = {}
    for node in body:
        match node:
            case Field(name, filters):
                if name not in guarded and all(applied.name != "default" for applied in filters):
                    found[name] = None
            case If(branches, otherwise):
                for branch in branches:
                    inner = guarded | _needed(branch.condition)
                    found |= dict.fromkeys(fields_without_fallback(branch.body, inner))
                found |= dict.fromkeys(fields_without_fallback(otherwise, guarded))
    return list(found)


def _needed(condition: Condition) -> frozenset[str]:
    """Fields that have a value where a condition is true."""
    match condition:
        case Field(name):
            return frozenset({name})
        case And(parts):
            return frozenset().union(*map(_needed, parts))
        case Comparison(left, _, right):
            return _needed(left) | _needed(right)
        case _:
            return frozenset()


def shows_something(body: Body) -> bool:
    """Whether there are values with which a template shows a visible character."""
    for node in body:
        match node:
            case Field():
                return True
            case If(branches, otherwise):
                if any(shows_something(branch.body) for branch in branches) or shows_something(otherwise):
                    return True
            case _:
                if not is_blank(node.text):
                    return True
    return False


class _Checker:
    def __init__(self, text: str, attributes: Mapping[str, FieldType]) -> None:
        self._text = text
        self._attributes = attributes

    def unknown_placeholder(self, written: str, position: int) -> Problem:
        name = written.split("|", 1)[0].strip()
        return problem_at(f"Unknown placeholder {{{written}}}", self._text, position, self._nearest(name))

    def body(self, body: Body) -> Iterator[Problem]:
        for node in body:
            match node:
                case Field():
                    yield from self._known(node)
                    yield from self._filters(node)
                case If(branches, otherwise):
                    for branch in branches:
                        yield from self._condition(branch.condition)
                        yield from self.body(branch.body)
                    yield from self.body(otherwise)

    def _filters(self, used: Field) -> Iterator[Problem]:
        value = self._type_of(used)
        for applied in used.filters:
            fitting = _FITTING.get(applied.name)
            if value and fitting and value not in fitting:
                message = f"{applied.name} does not change {value.words}"
                yield problem_at(message, self._text, applied.position)
            if applied.name != "default":
                value = FieldType.TEXT

    def _condition(self, condition: Condition) -> Iterator[Problem]:
        match condition:
            case Field():
                yield from self._known(condition)
            case And(parts) | Or(parts):
                for part in parts:
                    yield from self._condition(part)
            case Not(part):
                yield from self._condition(part)
            case Comparison(left, operator, right, position):
                yield from self._condition(left)
                yield from self._condition(right)
                types = self._type_of(left), self._type_of(right)
                if types[0] and types[1] and not _comparable(types[0], operator, types[1]):
                    message = f"{types[0].words} {operator} {types[1].words} is always false"
                    yield problem_at(message, self._text, position)

    def _known(self, used: Field) -> Iterator[Problem]:
        if self._type_of(used) is None:
            message = f"No customer has a field {used.name}"
            yield problem_at(message, self._text, used.position, self._nearest(used.name))

    def _type_of(self, operand: Condition) -> FieldType | None:
        match operand:
            case Field(name):
                attribute = attribute_of(name)
                return COLUMNS[name] if attribute is None else self._attributes.get(attribute)
            case Literal(bool()):
                return FieldType.BOOLEAN
            case Literal(int() | float()):
                return FieldType.NUMBER
            case Literal(date()):
                return FieldType.DATE
            case Literal():
                return FieldType.TEXT
            case _:
                return FieldType.BOOLEAN

    def _nearest(self, name: str) -> str | None:
        if name.startswith("attributes."):
            return nearest_name(name, (f"attributes.{attribute}" for attribute in self._attributes))
        return nearest_name(name, {*COLUMNS, *self._attributes})


def _comparable(left: FieldType, operator: Operator, right: FieldType) -> bool:
    if left in _TEXT_OR_DATE and right in _TEXT_OR_DATE:
        return True
    if left is not right or left is FieldType.TEXTS:
        return False
    return left is FieldType.NUMBER or operator in {Operator.EQUAL, Operator.UNEQUAL}
