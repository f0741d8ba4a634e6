"""Compares two values of a condition. What cannot be compared is false, whatever the operator."""

import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from leopard.templates.tree import Operator, Scalar
from leopard.templates.values import day_of

Comparator: TypeAlias = Callable[[object], bool]

_FUNCTIONS: Final[Mapping[Operator, Callable[[Any, Any], bool]]] = {
    Operator.EQUAL: operator.eq,
    Operator.UNEQUAL: operator.ne,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.MORE: operator.gt,
    Operator.AT_LEAST: operator.ge,
}

MIRRORED: Final[Mapping[Operator, Operator]] = {
    Operator.EQUAL: Operator.EQUAL,
    Operator.UNEQUAL: Operator.UNEQUAL,
    Operator.LESS: Operator.MORE,
    Operator.AT_MOST: Operator.AT_LEAST,
    Operator.MORE: Operator.LESS,
    Operator.AT_LEAST: Operator.AT_MOST,
}
"""The operator that says the same with its operands exchanged."""

_NUMBERS: Final = frozenset({int, float})
_TEXTS: Final = frozenset({str})
_TRUTHS: Final = frozenset({bool})
_NOTHING: Final[frozenset[type]] = frozenset()


def compare(left: object, op: Operator, right: object) -> bool:
    """Whether two values compare as the operator says.

    Numbers compare with numbers, texts with texts by their code points, days with days and with texts that spell a
    day. True and false are only equal or unequal. Null and lists compare with nothing.
    """
    if isinstance(left, date) or isinstance(right, date):
        days = _day(left), _day(right)
        return None not in days and _FUNCTIONS[op](*days)
    return type(left) in _same_kind(right, op) and _FUNCTIONS[op](left, right)


def comparator(op: Operator, constant: Scalar) -> Comparator:
    """A function that compares a value with a constant to its right, as `compare` does."""
    if isinstance(constant, date):
        return lambda value: compare(value, op, constant)
    if isinstance(constant, str) and op is Operator.EQUAL:
        # values of other types are never equal to a text
        return lambda value: value == constant
    kinds, function = _same_kind(constant, op), _FUNCTIONS[op]
    return lambda value: type(value) in kinds and function(value, constant)


def _same_kind(value: object, op: Operator) -> frozenset[type]:
    match value:
        case bool():
            return _TRUTHS if op in {Operator.EQUAL, Operator.UNEQUAL} else _NOTHING
        case int() | float():
            return _NUMBERS
        case str():
            return _TEXTS
        case _:
            return _NOTHING


def _day(value: object) -> date | None:
    day = day_of(value)
    return day.date() if isinstance(day, datetime) else day
