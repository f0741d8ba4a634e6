"""What holds for every template and every customer."""

import re
from typing import Any, Final

from babel.localedata import locale_identifiers
from hypothesis import example, given, reject
from hypothesis import strategies as st

from leopard.templates.compiler import compile_template
from leopard.templates.field_names import FIELDS, PLAIN_FIELDS
from leopard.templates.filters import FILTERS
from leopard.templates.language import Template, TemplateError, has_new_constructs, known_names, parse_template
from leopard.templates.printer import print_template
from leopard.templates.tree import (
    And,
    Body,
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

KNOWN: Final = known_names({"points", "vip", "last_order", "tags"})
NAMES: Final = (*FIELDS, "preferred_language", "points", "vip", "last_order", "tags", "attributes.location")
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


def error_of(text: str) -> TemplateError | None:
    try:
        parse_template(text, KNOWN)
    except TemplateError as error:
        return error
    return None


def accepted(text: str, known: frozenset[str]) -> Template:
    try:
        return parse_template(text, known)
    except TemplateError:
        reject()


@given(strings)
@example("{{if " + "(" * 5000)
@example("{{if " + "not " * 5000)
@example("{{if vip}}" * 5000)
@example("{first_name" + "|trim" * 5000 + "}")
@example("{" * 5000 + "}" * 5000)
def test_a_string_parses_or_gives_a_located_error(text: str) -> None:
    error = error_of(text)
    if error:
        lines = text.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        shown, caret = error.picture.split("\n")
        assert shown in lines[error.line - 1]
        assert caret.strip(" \t") == "^"


@given(strings, customers)
def test_an_accepted_template_renders_for_every_customer(text: str, customer: dict[str, Any]) -> None:
    template = accepted(text, KNOWN)
    rendered = template.render(customer)
    assert isinstance(rendered, str)
    assert rendered == parse_template(str(template), KNOWN).render(customer)


@given(bodies, customers)
def test_every_tree_renders_for_every_customer(body: Body, customer: dict[str, Any]) -> None:
    assert isinstance(compile_template(body)(customer), str)


@given(bodies)
def test_a_printed_tree_parses_to_the_same_tree(body: Body) -> None:
    assert parse_template(print_template(body), KNOWN).tree == body


@given(strings)
def test_a_parsed_template_prints_to_a_text_that_parses_to_the_same_tree(text: str) -> None:
    template = accepted(text, KNOWN)
    again = parse_template(str(template), KNOWN)
    assert again.tree == template.tree
    assert str(again) == str(template)
    assert again.unknown == template.unknown


@given(
    st.lists(st.sampled_from(["{first_name}", "{a}", "{{", "}}", "{", "}", "x", '"', "|", "{{location}}", "{phone}"]))
)
def test_a_template_without_new_constructs_is_a_plain_substitution(fragments: list[str]) -> None:
    customer = {"first_name": "{phone}", "location": None, "phone": "}{"}
    text = "".join(fragments)
    template = accepted(text, PLAIN_FIELDS)
    if not has_new_constructs(template):
        plain = re.compile(r"\{(" + "|".join(FIELDS) + r")\}")
        assert template.render(customer) == plain.sub(lambda found: customer.get(found[1]) or "", text)


@given(st.lists(st.sampled_from(FIELDS), min_size=1), st.data())
def test_values_full_of_braces_come_out_as_they_are(names: list[str], data: st.DataObject) -> None:
    value = st.lists(st.sampled_from(FRAGMENTS)).map("".join)
    customer = {name: data.draw(value) for name in FIELDS}
    expected = "-".join(customer[name] for name in names)
    assert parse_template("-".join(f"{{{name}}}" for name in names)).render(customer) == expected
    filtered = "-".join(f'{{{name}|truncate:10000|default:""}}' for name in names)
    assert parse_template(filtered).render(customer) == expected
    chosen = "-".join(f"{{{{if true}}}}{{{name}}}{{{{end}}}}" for name in names)
    assert parse_template(chosen).render(customer) == expected


@given(texts)
def test_every_text_can_be_written_as_a_quoted_text(text: str) -> None:
    template = parse_template(print_template((Quoted(text),)))
    assert template.render({}) == text
    assert template.tree == (Quoted(text),)
