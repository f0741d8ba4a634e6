"""Templates and customers of every kind, for hypothesis."""

from typing import Any, Final

from babel.localedata import locale_identifiers
from hypothesis import strategies as st

from leopard.templates.field_names import FIELDS
from leopard.templates.filters import FILTERS
from leopard.templates.language import known_names
from leopard.templates.tree import (
    And,
    Branch,
    Comparison,
    Condition,
    Field,
    Filter,
    If,
    Literal,
    Not,
    Operator,
    Or,
    Quoted,
    Text,
)

ATTRIBUTES: Final = ("points", "vip", "last_order", "tags")
KNOWN: Final = known_names(ATTRIBUTES)
NAMES: Final = (
    *FIELDS,
    *("preferred_language", "created_at", "points", "vip", "last_order", "tags", "attributes.location"),
)
LANGUAGES: Final = tuple(sorted(locale_identifiers()))
FRAGMENTS: Final = (
    *("{", "}", "{{", "}}", '"', "\\", '{"', '"}', "|", ":", " ", "\n", "(", ")", "-", "%", "é", "😀"),
    *("if", "else", "end", "{{if ", "{{else if ", "{{else}}", "{{end}}", "{{ end }}", "{{ if", "and", "or", "not "),
    *("==", "!=", "<", "<=", ">", ">=", "true", "false", "100", "-1.5", "2026-11-30", '"Nairobi"', '"{x}"'),
    *(f"{{{name}}}" for name in NAMES),
    *(f"{{{name}" for name in NAMES),
    *(f"|{rule.example}" for rule in FILTERS.values()),
    *(f"{{location|{rule.example}}}" for rule in FILTERS.values()),
    *("{{if vip}}", "{{if points > 100 and not vip}}", "{{else if location}}", "{{if last_order < 2026-01-01}}"),
    *("vip", "points", "location", "nickname", "{nickname}", "{{first_name}}", '{"name": "{first_name}"}'),
)

strings = st.one_of(st.text(), st.text('{}|":\\ if'), st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join))

texts = st.text(st.characters(exclude_categories=["Cs"]))
attributes = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(
            st.none(),
            texts,
            st.booleans(),
            st.integers(-(10**45), 10**45),
            st.floats(),
            st.lists(texts),
            st.dates().map(str),
        )
        for name in ("points", "vip", "last_order", "tags", "location", "nickname")
    },
)
customers = st.fixed_dictionaries(
    {"phone": texts},
    optional={
        **{name: st.one_of(st.none(), texts) for name in FIELDS if name != "phone"},
        "preferred_language": st.one_of(st.none(), st.sampled_from(["sw-KE", "zz", "x-y", "??", *LANGUAGES])),
        "created_at": st.one_of(st.dates(), st.datetimes()),
        "attributes": st.one_of(st.none(), attributes),
    },
)

braceless = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), min_size=1)
fields = st.sampled_from(NAMES)
arguments: dict[str, st.SearchStrategy[tuple[str | int | float, ...]]] = {
    "truncate": st.one_of(st.tuples(st.integers(1, 10_000)), st.tuples(st.integers(1, 100), texts)),
    "currency": st.tuples(st.sampled_from(["KES", "UGX", "EUR"])),
    "date": st.one_of(st.just(()), st.tuples(st.sampled_from(["%d %b", "%A, %-d. %B %Y", "100%%", ""]))),
    "default": st.tuples(st.one_of(texts, st.integers(-(10**14), 10**14), st.just(0.25))),
}
filters = st.sampled_from(sorted(FILTERS)).flatmap(
    lambda name: arguments.get(name, st.just(())).map(lambda given: Filter(name, given))
)
placeholders = st.builds(Field, fields, st.lists(filters, max_size=3).map(tuple))
literals = st.one_of(
    texts,
    st.booleans(),
    st.integers(-(10**14), 10**14),
    st.decimals(-(10**9), 10**9, places=4).map(float),
    st.dates(),
).map(Literal)
conditions: st.SearchStrategy[Condition] = st.recursive(
    st.one_of(st.builds(Field, fields), literals),
    lambda inner: st.one_of(
        st.builds(Comparison, inner, st.sampled_from(Operator), inner),
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


def without_neighbours(nodes: list[Any]) -> tuple[Any, ...]:
    """Two texts in a row are one text."""
    return tuple(
        node
        for index, node in enumerate(nodes)
        if index == 0 or not isinstance(node, type(nodes[index - 1])) or not isinstance(node, Text)
    )


nodes = st.one_of(braceless.map(Text), texts.map(Quoted), placeholders)
bodies = st.recursive(
    st.lists(nodes, max_size=4).map(without_neighbours),
    lambda inner: st.lists(
        st.one_of(
            nodes,
            st.builds(If, st.lists(st.builds(Branch, conditions, inner), min_size=1, max_size=3).map(tuple), inner),
        ),
        max_size=4,
    ).map(without_neighbours),
    max_leaves=6,
)
