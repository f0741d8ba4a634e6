"""Filters as SQL conditions on `customers`, with parameters. Values never become part of the SQL text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from leopard.audiences.filters import (
    Comparison,
    Day,
    Every,
    Filter,
    FilterError,
    Not,
    NotMessagedFor,
    Operator,
    Received,
    Some,
    within,
)
from leopard.domain.customer_fields import COLUMNS, FieldType, is_date

FieldTypes = Mapping[str, FieldType]
"""The known attributes and their types."""

_ORDERS: Final = (Operator.LESS, Operator.AT_MOST, Operator.MORE, Operator.AT_LEAST)
_DAYS: Final = {Operator.BEFORE: "<", Operator.AFTER: ">"}

OPERATORS: Final[Mapping[FieldType, tuple[Operator, ...]]] = {
    FieldType.TEXT: (Operator.EQUAL, Operator.IN, Operator.STARTS_WITH, Operator.CONTAINS, Operator.SET),
    FieldType.NUMBER: (Operator.EQUAL, Operator.IN, *_ORDERS, Operator.SET),
    FieldType.BOOLEAN: (Operator.EQUAL, Operator.SET),
    FieldType.DATE: (Operator.EQUAL, Operator.IN, Operator.BEFORE, Operator.AFTER, Operator.SET),
    FieldType.TEXTS: (Operator.CONTAINS, Operator.SET),
}
"""The operators that fit a field, by its type."""

_FITTING: Final[Mapping[FieldType, type | tuple[type, ...]]] = {
    FieldType.TEXT: str,
    FieldType.NUMBER: (int, float),
    FieldType.BOOLEAN: bool,
    FieldType.DATE: str,
}

_SHOWN: Final = 60

# Beyond this many values a list is cheaper than one index condition each.
_FEW_VALUES: Final = 20


@dataclass
class Condition:
    """An SQL condition on `customers`, and its parameters."""

    sql: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


def compile_filter(tree: Filter, types: FieldTypes, *, today: date | None = None, prefix: str = "filter") -> Condition:
    """The SQL condition for customers that match a filter. It is never null inside a negation.

    Args:
        tree: The filter.
        types: The known attributes.
        today: The day to which relative days refer; by default the present day in UTC.
        prefix: The start of the parameters' names.

    Raises:
        FilterError: A field is not known, or an operator or a value does not fit the type of its field.
    """
    compiler = _Compiler(types, today or datetime.now(UTC).date(), prefix)
    return Condition(compiler.compile(tree), compiler.parameters)


class _Compiler:
    def __init__(self, types: FieldTypes, today: date, prefix: str) -> None:
        self.parameters: dict[str, Any] = {}
        self._types = types
        self._today = today
        self._prefix = prefix

    def compile(self, tree: Filter) -> str:
        match tree:
            case Every(parts):
                return "(" + " AND ".join(map(self.compile, parts)) + ")"
            case Some(parts):
                return "(" + " OR ".join(map(self.compile, parts)) + ")"
            case Not(part):
                # a condition on messages is never null, and IS NOT TRUE would keep the planner from an anti-join
                negation = "NOT ({})" if isinstance(part, Received | NotMessagedFor) else "({}) IS NOT TRUE"
                return negation.format(self.compile(part))
            case Received(campaign_id, status):
                wanted = "" if status is None else f" AND received.status = {self._parameter(status)}"
                return (
                    "EXISTS (SELECT FROM outbound_messages AS received WHERE received.customer_id = customers.id"
                    f" AND received.campaign_id = {self._parameter(campaign_id)}{wanted})"
                )
            case NotMessagedFor(hours):
                return (
                    "NOT EXISTS (SELECT FROM outbound_messages AS recent WHERE recent.customer_id = customers.id"
                    " AND recent.status NOT IN ('failed', 'cancelled')"
                    f" AND recent.updated_at > now() - make_interval(hours => {self._parameter(hours)}))"
                )
            case Comparison():
                return self._comparison(tree)

    def _comparison(self, comparison: Comparison) -> str:
        name = comparison.field.removeprefix("attributes.")
        column = COLUMNS.get(comparison.field)
        known = column or self._types.get(name)
        if known is None:
            raise FilterError(within(comparison.path, "field"), f"is {name[:_SHOWN]}, which no customer has had")
        _check_type(comparison, known)
        if comparison.operator is Operator.SET:
            return self._is_set(name, column, wanted=comparison.value is True)
        if column is not None:
            return self._column(comparison, f"customers.{name}", column)
        return self._attribute(comparison, name, known)

    def _is_set(self, name: str, column: FieldType | None, *, wanted: bool) -> str:
        if column is not None:
            return f"customers.{name} IS {'NOT NULL' if wanted else 'NULL'}"
        is_set = f"customers.attributes ? {self._parameter(name)}"
        return is_set if wanted else f"NOT {is_set}"

    def _column(self, comparison: Comparison, column: str, known: FieldType) -> str:
        operator, value = comparison.operator, comparison.value
        if known is FieldType.DATE:
            return self._moment(operator, column, value)
        if operator is Operator.IN:
            return f"{column} = ANY({self._parameter(list(_values(value)))}::text[])"
        return self._text(operator, column, value)

    def _attribute(self, comparison: Comparison, name: str, known: FieldType) -> str:
        operator, value = comparison.operator, comparison.value
        if operator is Operator.EQUAL:
            return self._holds(name, value)
        if operator is Operator.IN:
            return self._holds_one_of(name, _values(value), known)
        if known is FieldType.TEXTS:
            return self._holds(name, [value])
        if isinstance(value, Day):
            # days of this form are in the order of their texts
            day = self._parameter(self._day(value).isoformat())
            return f'{self._stored_text(name)} COLLATE "C" {_DAYS[operator]} {day}'
        if operator in _ORDERS:
            return f"customers.attributes -> {self._parameter(name)} {operator} {self._parameter(Jsonb(value))}"
        return self._text(operator, self._stored_text(name), value)

    def _holds_one_of(self, name: str, values: tuple[Any, ...], known: FieldType) -> str:
        if known is FieldType.TEXT and len(values) > _FEW_VALUES:
            return f"{self._stored_text(name)} = ANY({self._parameter(list(values))}::text[])"
        return "(" + " OR ".join(self._holds(name, wanted) for wanted in values) + ")"

    def _text(self, operator: Operator, text: str, value: object) -> str:
        texts: Mapping[Operator, Callable[[str], str]] = {
            Operator.EQUAL: lambda wanted: f"{text} = {wanted}",
            Operator.STARTS_WITH: lambda wanted: f"starts_with({text}, {wanted})",
            Operator.CONTAINS: lambda wanted: f"strpos({text}, {wanted}) > 0",
        }
        return texts[operator](self._parameter(value))

    def _moment(self, operator: Operator, column: str, value: object) -> str:
        if isinstance(value, Day):
            start = self._day(value)
            if operator is Operator.BEFORE:
                return f"{column} < {self._midnight(start)}"
            return f"{column} >= {self._midnight(_next(start))}"
        days = [date.fromisoformat(str(day)) for day in _values(value)]
        within = (f"({column} >= {self._midnight(day)} AND {column} < {self._midnight(_next(day))})" for day in days)
        return "(" + " OR ".join(within) + ")"

    def _midnight(self, day: date) -> str:
        return f"{self._parameter(datetime(day.year, day.month, day.day, tzinfo=UTC))}::timestamptz"

    def _day(self, value: Day) -> date:
        if value.day is not None:
            return value.day
        try:
            return self._today + timedelta(days=value.days_from_today)
        except OverflowError:
            return date.min if value.days_from_today < 0 else date.max

    def _holds(self, name: str, value: object) -> str:
        return f"customers.attributes @> {self._parameter(Jsonb({name: value}))}"

    def _stored_text(self, name: str) -> str:
        return f"(customers.attributes ->> {self._parameter(name)})"

    def _parameter(self, value: object) -> str:
        name = f"{self._prefix}_{len(self.parameters)}"
        self.parameters[name] = value
        cast = "::text" if isinstance(value, str) else ""
        return f"%({name})s{cast}"


def _next(day: date) -> date:
    return day if day == date.max else day + timedelta(days=1)


def _values(value: object) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _check_type(comparison: Comparison, known: FieldType) -> None:
    operator, value = comparison.operator, comparison.value
    name, path = comparison.field, within(comparison.path, comparison.operator)
    if operator not in OPERATORS[known]:
        allowed = ", ".join(OPERATORS[known])
        raise FilterError(path, f"does not fit {name}, which is of type {known}; operators are {allowed}")
    if operator not in (Operator.EQUAL, Operator.IN):
        return
    fitting = _FITTING[known]
    for wanted in _values(value):
        if not isinstance(wanted, fitting) or (isinstance(wanted, bool) and known is not FieldType.BOOLEAN):
            raise FilterError(path, f"must compare {name} with values of its type, {known}")
        if known is FieldType.DATE and not is_date(str(wanted)):
            raise FilterError(path, f"must compare {name} with dates in the form 2026-11-30")
