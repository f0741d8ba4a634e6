"""Every filter of the grammar selects in SQL the customers that a plain evaluation in Python selects."""

import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from leopard.audiences.conditions import OPERATORS, compile_filter
from leopard.audiences.filter_grammar import parse_filter
from leopard.audiences.filters import FilterError
from leopard.domain.customer_fields import COLUMNS, FieldType

Json = dict[str, Any]

TODAY: Final = date(2026, 11, 30)
EXAMPLES: Final = int(os.environ.get("FILTERS", "300"))
CUSTOMERS: Final = 120

TEXTS: Final = ["", "Nairobi", "nairobi", "Nai", "100%", "a'b", 'a"b', "a\\b", "%(x)s", "2026-11-30", "São Paulo", "{}"]
NUMBERS: Final = [0, -1, 1, 2.5, 100, 100.0, 1e15, -1e300 / 10, 10**30, 0.1]
DAYS: Final = ["2026-11-29", "2026-11-30", "2026-12-01", "2020-02-29", "0001-01-01", "9999-12-31"]
TYPES: Final = {
    "tier": FieldType.TEXT,
    "points": FieldType.NUMBER,
    "vip": FieldType.BOOLEAN,
    "last_order": FieldType.DATE,
    "tags": FieldType.TEXTS,
    "location": FieldType.NUMBER,
}
"""The attributes. `location` is also a column, which wins unless the name has the prefix."""

VALUES: Final[dict[FieldType, st.SearchStrategy[Any]]] = {
    FieldType.TEXT: st.sampled_from(TEXTS),
    FieldType.NUMBER: st.sampled_from(NUMBERS),
    FieldType.BOOLEAN: st.booleans(),
    FieldType.DATE: st.sampled_from(DAYS),
    FieldType.TEXTS: st.lists(st.sampled_from(TEXTS), max_size=3),
}
COLUMN_VALUES: Final = {"location": TEXTS, "first_name": TEXTS, "preferred_language": ["en", "sw-KE"]}
FIELDS: Final = {
    **{name: type_ for name, type_ in TYPES.items() if name not in COLUMNS},
    **{f"attributes.{name}": type_ for name, type_ in TYPES.items()},
    "location": FieldType.TEXT,
    "first_name": FieldType.TEXT,
    "preferred_language": FieldType.TEXT,
    "phone": FieldType.TEXT,
    "created_at": FieldType.DATE,
}
MESSAGE_STATUSES: Final = ["pending", "sent", "failed", "cancelled"]

relative_days = st.integers(-9999, 9999).map(lambda days: f"{days:+d}d")


def operand(type_: FieldType, operator: str) -> st.SearchStrategy[Any]:
    match operator:
        case "set":
            return st.booleans()
        case "in":
            return st.lists(VALUES[type_], min_size=1, max_size=25)
        case "before" | "after":
            return st.sampled_from(DAYS) | relative_days | st.sampled_from(["0d", "-1d", "1d"])
        case "contains" if type_ is FieldType.TEXTS:
            return st.sampled_from(TEXTS)
        case _:
            return VALUES[type_]


@st.composite
def comparisons(draw: st.DrawFn) -> Json:
    field = draw(st.sampled_from(sorted(FIELDS)))
    fitting = OPERATORS[FIELDS[field]]
    operators = draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=2, unique=True))
    return {"field": field, **{str(name): draw(operand(FIELDS[field], name)) for name in operators}}


conditions = st.one_of(
    comparisons(),
    st.fixed_dictionaries(
        {}, optional={"location": VALUES[FieldType.TEXT], "preferred_product": st.just("Boots")}
    ).filter(bool),
    st.fixed_dictionaries(
        {"campaign_id": st.integers(1, 3)}, optional={"status": st.sampled_from(MESSAGE_STATUSES)}
    ).map(lambda received: {"received": received}),
    st.sampled_from(["1h", "23h", "2d", "7d", "9999d"]).map(lambda span: {"not_messaged_for": span}),
)
filters = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=8,
)


def day_of(text: str) -> date:
    if not text.endswith("d"):
        return date.fromisoformat(text)
    try:
        return TODAY + timedelta(days=int(text[:-1]))
    except OverflowError:
        return date.min if text.startswith("-") else date.max


def compares(value: Any, operator: str, wanted: Any) -> bool:
    """Whether one operator matches a value; a value that is not set is None."""
    if operator == "set":
        return (value is not None) is wanted
    if value is None:
        return False
    results: dict[str, Callable[[], Any]] = {
        "equal": lambda: value == wanted,
        "in": lambda: value in wanted,
        "starts_with": lambda: value.startswith(wanted),
        "contains": lambda: wanted in value,
        "<": lambda: value < wanted,
        "<=": lambda: value <= wanted,
        ">": lambda: value > wanted,
        ">=": lambda: value >= wanted,
        "before": lambda: date.fromisoformat(value) < day_of(wanted),
        "after": lambda: date.fromisoformat(value) > day_of(wanted),
    }
    return bool(results[operator]())


def value_of(customer: Json, field: str) -> Any:
    if field.startswith("attributes.") or field not in COLUMNS:
        return customer["attributes"].get(field.removeprefix("attributes."))
    if field == "created_at":
        return customer["created_at"].date().isoformat()
    return customer.get(field)


def matches(node: Json, customer: Json) -> bool:
    """Evaluate a filter in plain Python."""
    match node:
        case {"all": parts}:
            return all(matches(part, customer) for part in parts)
        case {"any": parts}:
            return any(matches(part, customer) for part in parts)
        case {"not": part}:
            return not matches(part, customer)
        case {"field": field, **operators}:
            return all(compares(value_of(customer, field), name, wanted) for name, wanted in operators.items())
        case {"received": _} | {"not_messaged_for": _}:
            return matches_history(node, customer["messages"])
        case _:
            return all(customer.get(name) == wanted for name, wanted in node.items())


def matches_history(node: Json, messages: list[Json]) -> bool:
    """Evaluate a condition on a customer's messages in plain Python."""
    match node:
        case {"received": {"campaign_id": campaign_id, **rest}}:
            status = rest.get("status")
            return any(
                message["campaign_id"] == campaign_id and status in (None, message["status"]) for message in messages
            )
        case {"not_messaged_for": span}:
            hours = int(span[:-1]) * (24 if span.endswith("d") else 1)
            return not any(
                message["status"] in ("pending", "sent") and message["hours_ago"] < hours for message in messages
            )
    raise AssertionError(node)


@st.composite
def generated_customers(draw: st.DrawFn) -> list[Json]:
    messages = st.fixed_dictionaries(
        {"status": st.sampled_from(MESSAGE_STATUSES), "hours_ago": st.sampled_from([0.5, 10, 30, 100, 2000])}
    )
    made = []
    for number in range(CUSTOMERS):
        customer: Json = {name: draw(st.none() | st.sampled_from(values)) for name, values in COLUMN_VALUES.items()}
        attributes = draw(st.fixed_dictionaries({}, optional={name: VALUES[type_] for name, type_ in TYPES.items()}))
        by_campaign = draw(st.dictionaries(st.integers(1, 3), messages, max_size=2))
        moment = datetime(2026, 11, 29, tzinfo=UTC) + timedelta(hours=draw(st.sampled_from([0, 23.99, 24, 36, 47, 48])))
        customer |= {
            "phone": f"+2547000{number:05d}",
            "preferred_product": draw(st.sampled_from([None, "Boots", "Sandals"])),
            "attributes": attributes,
            "created_at": moment,
            "messages": [{"campaign_id": campaign_id, **message} for campaign_id, message in by_campaign.items()],
        }
        made.append(customer)
    return made


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as opened:
        opened.execute(
            "INSERT INTO campaigns (name, channel, base_template) SELECT 'c', 'sms', 'Hi' FROM generate_series(1, 3)"
        )
        yield opened


def store(database: psycopg.Connection, customers: list[Json]) -> dict[int, Json]:
    database.execute("DELETE FROM customers")
    stored = {}
    for customer in customers:
        row = database.execute(
            """
            INSERT INTO customers (phone, first_name, location, preferred_product, preferred_language, attributes,
                                   created_at)
            VALUES (%(phone)s, %(first_name)s, %(location)s, %(preferred_product)s, %(preferred_language)s,
                    %(attributes)s, %(created_at)s)
            RETURNING id
            """,
            {**customer, "attributes": Jsonb(customer["attributes"])},
        ).fetchone()
        assert row is not None
        stored[row[0]] = customer
        for message in customer["messages"]:
            database.execute(
                """
                INSERT INTO outbound_messages (customer_id, campaign_id, status, updated_at)
                VALUES (%s, %s, %s, now() - make_interval(secs => %s))
                """,
                [row[0], message["campaign_id"], message["status"], message["hours_ago"] * 3600],
            )
    return stored


def selected(database: psycopg.Connection, node: object) -> set[int]:
    condition = compile_filter(parse_filter(node), TYPES, today=TODAY)
    found = database.execute(f"SELECT id FROM customers WHERE {condition.sql}".encode(), condition.parameters)
    return {row[0] for row in found.fetchall()}


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(customers=generated_customers())
@pytest.mark.timeout(3600)
def test_sql_and_python_select_the_same_customers(database: psycopg.Connection, customers: list[Json]) -> None:
    stored = store(database, customers)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(node=filters)
    def agree(node: Json) -> None:
        wanted = {id_ for id_, customer in stored.items() if matches(node, customer)}
        assert selected(database, node) == wanted

    agree()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(TEXTS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "field", "equal", "in", "<", "set", "before", "received", "location"])
            | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@settings(max_examples=EXAMPLES * 3, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    node=json_values
    | st.tuples(st.sampled_from(sorted(FIELDS)), st.sampled_from(["<", "in", "contains"]), json_values).map(
        lambda parts: {"field": parts[0], parts[1]: parts[2]}
    )
)
def test_any_json_is_refused_with_a_reason_or_runs(database: psycopg.Connection, node: object) -> None:
    with contextlib.suppress(FilterError):
        selected(database, node)
