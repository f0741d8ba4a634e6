"""Templates render exactly as specified."""

from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leopard.templates.field_names import FIELDS
from leopard.templates.problems import TemplateError
from leopard.templates.rendering import parse_template

ALICE = {
    "first_name": "Alice",
    "last_name": "Mwangi",
    "location": "Nairobi",
    "preferred_product": "Shoes",
    "phone": "+254700123456",
}

without_braces = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]))


def render(template: str, values: Mapping[str, str | None]) -> str:
    return parse_template(template).render(values)


@pytest.mark.parametrize("known", list(product([None, "", "value"], repeat=len(FIELDS))))
def test_null_and_empty_fields_give_an_empty_string(known: tuple[str | None, ...]) -> None:
    values = dict(zip(FIELDS, known, strict=True))
    template = "|".join(f"{{{field}}}" for field in FIELDS)
    assert render(template, values) == "|".join(value or "" for value in known)


def test_the_example_of_the_specification() -> None:
    template = "Hi {first_name} from {location}! \nCheck out our {preferred_product} special offers."
    assert render(template, ALICE) == "Hi Alice from Nairobi! \nCheck out our Shoes special offers."


def test_placeholders_inside_a_value_are_not_replaced() -> None:
    assert (
        render("{first_name} {last_name}", {"first_name": "{last_name}", "last_name": "{phone}"})
        == "{last_name} {phone}"
    )


@pytest.mark.parametrize("template", ["Hi {nickname}", "{}", "{First_Name}", "{ first_name }", "{first name}"])
def test_an_unknown_placeholder_is_kept_and_reported(template: str) -> None:
    assert render(template, ALICE) == template
    assert len(parse_template(template).unknown) == 1


def test_braces_around_a_placeholder_are_text() -> None:
    assert render('{"name": "{first_name}"}', ALICE) == '{"name": "Alice"}'
    assert render("{{first_name}}", ALICE) == "{Alice}"


def test_an_unknown_placeholder_is_reported_once() -> None:
    assert parse_template("{a} {b} {a}").unknown == ("a", "b")


@pytest.mark.parametrize(
    ("template", "line", "column"),
    [
        ("Hi {first_name", 1, 4),
        ("Hi first_name}", 1, 14),
        ("}{", 1, 1),
        ("one\ntwo {\nthree", 2, 5),
        ("{{first_name}", 1, 1),
    ],
)
def test_an_unbalanced_brace_is_refused_with_its_position(template: str, line: int, column: int) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_template(template)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert f"line {line}, column {column}" in str(caught.value)


@given(without_braces)
def test_text_without_braces_is_unchanged(text: str) -> None:
    assert render(text, ALICE) == text


@given(st.lists(st.tuples(without_braces, st.sampled_from(FIELDS))), without_braces, st.data())
def test_placeholders_are_replaced_by_values_and_other_text_is_kept(
    parts: list[tuple[str, str]], last: str, data: st.DataObject
) -> None:
    values = {field: data.draw(st.one_of(st.none(), st.text())) for field in FIELDS}
    template = "".join(f"{text}{{{field}}}" for text, field in parts) + last
    assert render(template, values) == "".join(text + (values[field] or "") for text, field in parts) + last


@given(st.text("{}ab\n"))
def test_a_template_parses_only_if_its_braces_are_balanced(template: str) -> None:
    depth = 0
    balanced = True
    for character in template:
        depth += {"{": 1, "}": -1}.get(character, 0)
        balanced = balanced and depth >= 0
    try:
        parse_template(template)
    except TemplateError:
        assert not (balanced and depth == 0)
    else:
        assert balanced
        assert depth == 0
