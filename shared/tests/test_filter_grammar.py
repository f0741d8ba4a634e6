"""Filters outside the grammar are refused, and the error names the place."""

from typing import Any

import pytest

from leopard.audiences.conditions import compile_filter
from leopard.audiences.filter_grammar import parse_filter
from leopard.audiences.filters import FilterError
from leopard.domain.customer_fields import FieldType

POINTS = {"field": "points", ">=": 100}


def nested(levels: int) -> dict[str, Any]:
    node: dict[str, Any] = POINTS
    for _ in range(levels):
        node = {"not": node}
    return node


@pytest.mark.parametrize(
    ("given", "path", "problem"),
    [
        ([], "", "must be an object"),
        ({}, "", "must hold all, any, not"),
        ({"location": None}, "", "must hold all, any, not"),
        ({"colour": "red"}, "colour", "is not part of a filter"),
        ({"all": []}, "all", "at least one filter"),
        ({"all": [POINTS, {"any": [POINTS, {"not": 7}]}]}, "all.1.any.1.not", "must be an object"),
        ({"all": [POINTS], "any": [POINTS]}, "", "nothing beside 'all'"),
        ({"field": "points"}, "", "needs an operator"),
        ({"field": "points", "~": 1}, "", "has no operator '~'"),
        ({"field": "Points!", "equal": 1}, "field", "must be one of phone"),
        ({"field": 7, "equal": 1}, "field", "must be one of phone"),
        ({"field": "points", ">=": "100"}, ">=", "must be a number"),
        ({"field": "points", ">=": float("nan")}, ">=", "finite number"),
        ({"field": "points", ">=": 10**400}, ">=", "finite number"),
        ({"field": "tier", "in": []}, "in", "at least one value"),
        ({"field": "tier", "in": ["a", None]}, "in.1", "must be a number"),
        ({"field": "tier", "in": ["a"] * 1001}, "in", "more than 1000 values"),
        ({"field": "tier", "equal": "a\0"}, "equal", ""),
        ({"field": "tier", "equal": "a" * 1001}, "equal", "longer than 1000"),
        ({"field": "tier", "set": 1}, "set", "true or false"),
        ({"field": "last_order", "before": "yesterday"}, "before", "must be a date"),
        ({"field": "last_order", "before": "20261130"}, "before", "must be a date"),
        ({"field": "last_order", "before": "-90 d"}, "before", "must be a date"),
        ({"received": {"status": "sent"}}, "received", "campaign_id"),
        ({"received": {"campaign_id": 0}}, "received.campaign_id", "positive integer"),
        ({"received": {"campaign_id": 1, "status": "x"}}, "received.status", "must be one of pending"),
        ({"not_messaged_for": "7"}, "not_messaged_for", "hours or days"),
        ({"not_messaged_for": "٧d"}, "not_messaged_for", "hours or days"),
        (nested(10), ".".join(["not"] * 10), "nested more than 10 levels"),
        ({"all": [POINTS] * 100}, "all.99", "at most 100 conditions"),
        ({"all": [POINTS] * 101}, "all", "more than 100 filters"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_filter_outside_the_grammar_is_refused(given: object, path: str, problem: str) -> None:
    with pytest.raises(FilterError) as refused:
        parse_filter(given)
    assert refused.value.path == path
    assert problem in refused.value.problem


def test_a_filter_may_be_as_deep_and_as_long_as_the_limits() -> None:
    parse_filter(nested(9))
    parse_filter({"all": [POINTS] * 99})
    parse_filter({"field": "tier", "in": ["a"] * 1000})


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"field": "points", "starts_with": "1"}, "starts_with"),
        ({"field": "points", "equal": "1"}, "equal"),
        ({"field": "points", "equal": True}, "equal"),
        ({"field": "points", "in": [1, "1"]}, "in"),
        ({"field": "vip", "equal": 1}, "equal"),
        ({"field": "vip", "in": [True]}, "in"),
        ({"field": "last_order", "equal": "today"}, "equal"),
        ({"field": "last_order", "<": 3}, "<"),
        ({"field": "tags", "equal": "a"}, "equal"),
        ({"field": "created_at", "starts_with": "2026"}, "starts_with"),
        ({"field": "location", ">": 3}, ">"),
        ({"any": [POINTS, {"field": "colour", "set": False}]}, "any.1.field"),
        ({"field": "attributes.first_name", "set": True}, "field"),
    ],
    ids=str,
)
def test_an_operator_that_does_not_fit_its_field_is_refused(given: object, path: str) -> None:
    types = {
        "points": FieldType.NUMBER,
        "vip": FieldType.BOOLEAN,
        "last_order": FieldType.DATE,
        "tags": FieldType.TEXTS,
    }
    with pytest.raises(FilterError) as refused:
        compile_filter(parse_filter(given), types)
    assert refused.value.path == path
