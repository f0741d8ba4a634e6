"""The tree of a filter of customers. `filter_grammar` makes it from JSON, `conditions` makes SQL of it. Runs no SQL."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeAlias

from leopard.domain.statuses import MessageStatus


class FilterError(ValueError):
    """A filter that is not part of the grammar, or that does not fit the type of its field; says where and why."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path} {problem}".strip())
        self.path = path
        self.problem = problem


def within(path: str, key: object) -> str:
    """The path of a member of what stands at `path`, such as filter.all.0 in filter.all."""
    return f"{path}.{key}" if path else str(key)


class Operator(StrEnum):
    """The operators of a condition, by their names in JSON."""

    EQUAL = "equal"
    IN = "in"
    STARTS_WITH = "starts_with"
    CONTAINS = "contains"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    BEFORE = "before"
    AFTER = "after"
    SET = "set"


Scalar: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day, or a number of days from today."""

    day: date | None = None
    days_from_today: int = 0


Value: TypeAlias = Scalar | tuple[Scalar, ...] | Day


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field compared with a value."""

    path: str
    """Where it stands in the filter, for messages: filter.all.0"""
    field: str
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Received:
    """The customer has a message of a campaign; with a status, if one is given."""

    campaign_id: int
    status: MessageStatus | None


@dataclass(frozen=True, slots=True)
class NotMessagedFor:
    """No message to the customer was sent, or waits to be sent, in the last hours."""

    hours: int


@dataclass(frozen=True, slots=True)
class Every:
    """All parts match."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part matches."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not match."""

    part: "Filter"


Filter: TypeAlias = Every | Some | Not | Comparison | Received | NotMessagedFor


def filter_fields(tree: Filter) -> frozenset[str]:
    """The names of all fields that a filter compares, as they stand in it."""
    match tree:
        case Every(parts) | Some(parts):
            return frozenset().union(*map(filter_fields, parts))
        case Not(part):
            return filter_fields(part)
        case Comparison():
            return frozenset({tree.field})
        case _:
            return frozenset()
