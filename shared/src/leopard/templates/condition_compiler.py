"""Makes functions of conditions: the customer's values in, true or false out. They raise nothing.

Each function calls as few others as possible, because calls are most of the time that a condition takes.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from leopard.templates.comparisons import MIRRORED, Comparator, comparator, compare
from leopard.templates.field_names import attribute_of
from leopard.templates.tree import And, Comparison, Condition, Field, Literal, Not, Or

Values: TypeAlias = Mapping[str, Any]
"""A customer's columns by their names, and under `attributes` the attributes by theirs."""

Read: TypeAlias = Callable[[Values], object]

_NO_ATTRIBUTES: Mapping[str, object] = {}


def reader(name: str) -> Read:
    """A function that reads a field from a customer's values. A field that is missing is null."""
    attribute = attribute_of(name)
    if attribute is None:
        return lambda values: values.get(name)
    return lambda values: (values.get("attributes") or _NO_ATTRIBUTES).get(attribute)


def compile_condition(condition: Condition) -> Read:
    """The function of a condition. Its result counts as true or false: null, empty, 0 and false are false."""
    match condition:
        case Field(name):
            return reader(name)
        case Literal(value):
            return lambda _values: value
        case Not(part):
            return _not(part)
        case And(parts):
            return _all([compile_condition(part) for part in parts])
        case Or(parts):
            return _any([compile_condition(part) for part in parts])
        case Comparison():
            return _comparison(condition)


def _not(part: Condition) -> Read:
    if isinstance(part, Field) and attribute_of(part.name) is None:
        name = part.name
        return lambda values: not values.get(name)
    holds = compile_condition(part)
    return lambda values: not holds(values)


def _all(parts: list[Read]) -> Read:
    if len(parts) == 2:
        first, second = parts
        return lambda values: first(values) and second(values)

    def holds(values: Values) -> bool:
        for part in parts:  # noqa: SIM110 a generator would take twice as long
            if not part(values):
                return False
        return True

    return holds


def _any(parts: list[Read]) -> Read:
    if len(parts) == 2:
        first, second = parts
        return lambda values: first(values) or second(values)

    def holds(values: Values) -> bool:
        for part in parts:  # noqa: SIM110 a generator would take twice as long
            if part(values):
                return True
        return False

    return holds


def _comparison(comparison: Comparison) -> Read:
    left, operator, right = comparison.left, comparison.operator, comparison.right
    if isinstance(left, Literal) and isinstance(right, Field):
        left, operator, right = right, MIRRORED[operator], left
    if isinstance(right, Literal):
        return _comparison_with(left, comparator(operator, right.value))
    read_left, read_right = _operand(left), _operand(right)
    return lambda values: compare(read_left(values), operator, read_right(values))


def _comparison_with(left: Condition, fits: Comparator) -> Read:
    attribute = attribute_of(left.name) if isinstance(left, Field) else None
    if isinstance(left, Field) and attribute is None:
        name = left.name
        return lambda values: fits(values.get(name))
    if attribute is not None:
        return lambda values: fits((values.get("attributes") or _NO_ATTRIBUTES).get(attribute))
    read = _operand(left)
    return lambda values: fits(read(values))


def _operand(operand: Condition) -> Read:
    if isinstance(operand, Field | Literal | Comparison):
        return compile_condition(operand)
    holds = compile_condition(operand)
    return lambda values: bool(holds(values))
