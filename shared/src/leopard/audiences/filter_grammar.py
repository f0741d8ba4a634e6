"""The grammar of filters in JSON, and its parser. Runs no SQL.

    filter     = {"all": [filter, ...]} | {"any": [filter, ...]} | {"not": filter} | condition
    condition  = {"field": name, operator: value, ...}
               | {"received": {"campaign_id": id, "status": status}} | {"not_messaged_for": "7d"}

A condition with several operators matches if all of them match. A field that is not set matches no operator but
`"set": false`. `{"location": "Nairobi"}`, the form of earlier versions, is short for an equal location.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

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
    Scalar,
    Some,
    Value,
    within,
)
from leopard.domain.customer_fields import COLUMNS, FIELD_NAME, is_date
from leopard.domain.statuses import MessageStatus
from leopard.domain.stored_text import MAX_TEXT, storable

MOST_CONDITIONS: Final = 100
MOST_LEVELS: Final = 10
MOST_VALUES: Final = 1000
"""The most values of one `in`."""

_EQUAL_FIELDS: Final = ("location", "preferred_product")
_RELATIVE: Final = re.compile(r"([+-]?)(\d{1,4})d", re.ASCII)
_DURATION: Final = re.compile(r"(\d{1,4})([hd])", re.ASCII)
_MAX_ID: Final = 2**63 - 1
_SHOWN: Final = 40


def parse_filter(given: object, path: str = "") -> Filter:
    """The tree of a filter in JSON.

    Args:
        given: The filter.
        path: Where it stands, for messages: audience.filter

    Raises:
        FilterError: It is not part of the grammar, too deep or too long; says where and why.
    """
    return _Parser().parse(given, path, MOST_LEVELS)


class _Parser:
    """Parses one filter and counts its conditions."""

    def __init__(self) -> None:
        self._conditions = 0

    def parse(self, given: object, path: str, levels: int) -> Filter:
        if not isinstance(given, dict):
            raise FilterError(path, "must be an object")
        if levels == 0:
            raise FilterError(path, f"is nested more than {MOST_LEVELS} levels deep")
        forms: dict[str, Callable[[dict[str, object], str, int], Filter]] = {
            "all": lambda node, at, left: Every(self._parts(node["all"], within(at, "all"), left)),
            "any": lambda node, at, left: Some(self._parts(node["any"], within(at, "any"), left)),
            "not": lambda node, at, left: Not(self.parse(node["not"], within(at, "not"), left)),
            "received": lambda node, at, _left: _received(node["received"], within(at, "received")),
            "not_messaged_for": lambda node, at, _left: _not_messaged_for(node["not_messaged_for"], at),
        }
        form = next((forms[key] for key in forms if key in given), None)
        if form is not None and len(given) > 1:
            raise FilterError(path, f"must hold nothing beside {next(key for key in forms if key in given)!r}")
        if form is None:
            return self._comparisons(given, path) if "field" in given else self._equal_fields(given, path)
        self._count(path)
        return form(given, path, levels - 1)

    def _parts(self, given: object, path: str, levels: int) -> tuple[Filter, ...]:
        if not isinstance(given, list) or not given:
            raise FilterError(path, "must be a list with at least one filter")
        if len(given) > MOST_CONDITIONS:
            raise FilterError(path, f"must not hold more than {MOST_CONDITIONS} filters")
        return tuple(self.parse(part, within(path, index), levels) for index, part in enumerate(given))

    def _comparisons(self, given: Mapping[str, object], path: str) -> Filter:
        field = given["field"]
        if not isinstance(field, str) or not is_field(field):
            raise FilterError(
                within(path, "field"), f"must be one of {', '.join(COLUMNS)}, or the name of an attribute"
            )
        unknown = [key for key in given if key != "field" and key not in _VALUES]
        if unknown:
            raise FilterError(path, f"has no operator {_quoted(unknown[0])}; operators are {', '.join(Operator)}")
        if len(given) == 1:
            raise FilterError(path, f"needs an operator: {', '.join(Operator)}")
        compared = []
        for operator in Operator:
            if operator in given:
                self._count(path)
                value = _VALUES[operator](given[operator], within(path, operator))
                compared.append(Comparison(path, field, operator, value))
        return compared[0] if len(compared) == 1 else Every(tuple(compared))

    def _equal_fields(self, given: Mapping[str, object], path: str) -> Filter:
        unknown = [key for key in given if key not in _EQUAL_FIELDS]
        if unknown:
            raise FilterError(within(path, unknown[0][:_SHOWN]), "is not part of a filter")
        equal = tuple(
            Comparison(within(path, name), name, Operator.EQUAL, _text(given[name], within(path, name)))
            for name in _EQUAL_FIELDS
            if given.get(name) is not None
        )
        if not equal:
            raise FilterError(path, "must hold all, any, not, field, received or not_messaged_for")
        self._count(path)
        return equal[0] if len(equal) == 1 else Every(equal)

    def _count(self, path: str) -> None:
        self._conditions += 1
        if self._conditions > MOST_CONDITIONS:
            raise FilterError(path, f"is too long: a filter holds at most {MOST_CONDITIONS} conditions")


def is_field(name: str) -> bool:
    """Whether it may name a column or an attribute: `points`, or `attributes.points`."""
    return name in COLUMNS or FIELD_NAME.fullmatch(name.removeprefix("attributes.")) is not None


def _received(given: object, path: str) -> Received:
    if not isinstance(given, dict) or not {"campaign_id"} <= given.keys() <= {"campaign_id", "status"}:
        raise FilterError(path, "must be an object with campaign_id, and status where wanted")
    campaign_id, status = given["campaign_id"], given.get("status")
    if isinstance(campaign_id, bool) or not isinstance(campaign_id, int) or not 1 <= campaign_id <= _MAX_ID:
        raise FilterError(within(path, "campaign_id"), "must be a positive integer")
    if status is not None and status not in tuple(MessageStatus):
        raise FilterError(within(path, "status"), f"must be one of {', '.join(MessageStatus)}")
    return Received(campaign_id, None if status is None else MessageStatus(status))


def _not_messaged_for(given: object, path: str) -> NotMessagedFor:
    found = _DURATION.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise FilterError(within(path, "not_messaged_for"), 'must be a number of hours or days: "12h" or "7d"')
    return NotMessagedFor(int(found[1]) * (24 if found[2] == "d" else 1))


def _text(given: object, path: str) -> str:
    if not isinstance(given, str):
        raise FilterError(path, "must be a text")
    if len(given) > MAX_TEXT:
        raise FilterError(path, f"must not be longer than {MAX_TEXT} characters")
    try:
        return storable(given)
    except ValueError as error:
        raise FilterError(path, str(error)) from None


def _number(given: object, path: str) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise FilterError(path, "must be a number; use before and after for dates")
    # a JSON number may be too long for a float
    if not -1e300 < given < 1e300 or not math.isfinite(given):
        raise FilterError(path, "must be a finite number")
    return given


def _scalar(given: object, path: str) -> Scalar:
    if isinstance(given, bool):
        return given
    return _text(given, path) if isinstance(given, str) else _number(given, path)


def _scalars(given: object, path: str) -> tuple[Scalar, ...]:
    if not isinstance(given, list) or not given:
        raise FilterError(path, "must be a list with at least one value")
    if len(given) > MOST_VALUES:
        raise FilterError(path, f"must not hold more than {MOST_VALUES} values")
    return tuple(_scalar(value, within(path, index)) for index, value in enumerate(given))


def _day(given: object, path: str) -> Day:
    if isinstance(given, str):
        relative = _RELATIVE.fullmatch(given)
        if relative is not None:
            return Day(days_from_today=int(relative[1] + relative[2]))
        if is_date(given):
            return Day(day=date.fromisoformat(given))
    raise FilterError(path, 'must be a date, "2026-11-30", or days from today, "-90d"')


def _truth(given: object, path: str) -> bool:
    if not isinstance(given, bool):
        raise FilterError(path, "must be true or false")
    return given


def _quoted(word: Any) -> str:  # noqa: ANN401 a key of a request
    return repr(str(word)[:_SHOWN])


_VALUES: Final[Mapping[str, Callable[[object, str], Value]]] = {
    Operator.EQUAL: _scalar,
    Operator.IN: _scalars,
    Operator.STARTS_WITH: _text,
    Operator.CONTAINS: _text,
    Operator.LESS: _number,
    Operator.AT_MOST: _number,
    Operator.MORE: _number,
    Operator.AT_LEAST: _number,
    Operator.BEFORE: _day,
    Operator.AFTER: _day,
    Operator.SET: _truth,
}
