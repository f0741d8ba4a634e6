"""Makes functions of conditions: the customer's values in, true or false out. They raise nothing."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from leopard.templates.comparisons import MIRRORED, comparator, compare
from leopard.templates.field_names import attribute_of
from leopard.templates.tree import And, Comparison, Condition, Field, Literal, Not, Or
from leopard.templates.values import is_true

Values: TypeAlias = Mapping[str, Any]
"""A customer's columns by their names, and under `attributes` the attributes by theirs."""

Holds: TypeAlias = Callable[[Values], bool]
Read: TypeAlias = Callable[[Values], object]

_NO_ATTRIBUTES: Mapping[str, object] = {}


def reader(name: str) -> Read:
    """A function that reads a field from a customer's values. A field that is missing is null."""
    attribute = attribute_of(name)
    if attribute is None:
        return lambda values: values.get(name)
    return lambda values: (values.get("attributes") or _NO_ATTRIBUTES).get(attribute)


def compile_condition(condition: Condition) -> Holds:
    """The function of a condition."""
    match condition:
        case Field(name):
            read = reader(name)
            return lambda values: is_true(read(values))
        case Literal(value):
            fixed = is_true(value)
            return lambda _values: fixed
        case Not(part):
            holds = compile_condition(part)
            return lambda values: not holds(values)
        case And(parts):
            return _all(tuple(map(compile_condition, parts)))
        case Or(parts):
            return _any(tuple(map(compile_condition, parts)))
        case Comparison():
            return _comparison(condition)


def _all(parts: tuple[Holds, ...]) -> Holds:
    def holds(values: Values) -> bool:
        for part in parts:  # noqa: SIM110 a generator would take twice as long
            if not part(values):
                return False
        return True

    return holds


def _any(parts: tuple[Holds, ...]) -> Holds:
    def holds(values: Values) -> bool:
        for part in parts:  # noqa: SIM110 a generator would take twice as long
            if part(values):
                return True
        return False

    return holds


def _comparison(comparison: Comparison) -> Holds:
    left, operator, right = comparison.left, comparison.operator, comparison.right
    if isinstance(left, Literal) and isinstance(right, Field):
        left, operator, right = right, MIRRORED[operator], left
    read_left = _operand(left)
    if isinstance(right, Literal):
        fits = comparator(operator, right.value)
        return lambda values: fits(read_left(values))
    read_right = _operand(right)
    return lambda values: compare(read_left(values), operator, read_right(values))


def _operand(operand: Condition) -> Read:
    match operand:
        case Field(name):
            return reader(name)
        case Literal(value):
            return lambda _values: value
        case _:
            return compile_condition(operand)
