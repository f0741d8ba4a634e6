"""What holds for every template and every customer."""

import re
from typing import Any

from hypothesis import example, given, reject
from hypothesis import strategies as st

from leopard.templates.compiler import compile_template
from leopard.templates.field_names import FIELDS, PLAIN_FIELDS
from leopard.templates.language import Template, TemplateError, has_new_constructs, parse_template
from leopard.templates.printer import print_template
from leopard.templates.tree import Body, Quoted
from support.template_strategies import FRAGMENTS, KNOWN, bodies, customers, strings, texts


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
