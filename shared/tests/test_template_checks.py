"""A template is checked for what it may not mean."""

from typing import Final

import pytest

from leopard.domain.customer_fields import FieldType
from leopard.templates.checks import check_template
from leopard.templates.language import known_names, parse_template

ATTRIBUTES: Final = {
    "points": FieldType.NUMBER,
    "vip": FieldType.BOOLEAN,
    "joined": FieldType.DATE,
    "tags": FieldType.TEXTS,
    "city": FieldType.TEXT,
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{frist_name}", ["Unknown placeholder {frist_name} at line 1, column 1; did you mean first_name?"]),
        ("a\n {point|number}", ["Unknown placeholder {point|number} at line 2, column 2; did you mean points?"]),
        ('{"a": 1}', ['Unknown placeholder {"a": 1} at line 1, column 1']),
        ("{attributes.c1ty}",
         ["No customer has a field attributes.c1ty at line 1, column 1; did you mean attributes.city?"]),
        ("{{if pionts > 5}}{{end}}", ["No customer has a field pionts at line 1, column 6; did you mean points?"]),
        ("{vip|number}", ["number does not change true or false at line 1, column 6"]),
        ('{points|date:"%d"}', ["date does not change a number at line 1, column 9"]),
        ('{points|default:1|date:"%d"}', ["date does not change a number at line 1, column 19"]),
        ("{tags|pluralize}", ["pluralize does not change a list of texts at line 1, column 7"]),
        ('{{if points == "5"}}{{end}}', ["a number == a text is always false at line 1, column 13"]),
        ("{{if vip > true}}{{end}}", ["true or false > true or false is always false at line 1, column 10"]),
        ('{{if vip}}{{else}}{{if tags == "a"}}{{end}}{{end}}',
         ["a list of texts == a text is always false at line 1, column 29"]),
        ("{{if not (5 == city or vip)}}{{end}}", ["a number == a text is always false at line 1, column 13"]),
    ],
)  # fmt: skip
def test_a_warning_says_what_and_where(template: str, expected: list[str]) -> None:
    parsed = parse_template(template, known_names(ATTRIBUTES))
    assert list(map(str, check_template(parsed, ATTRIBUTES))) == expected


@pytest.mark.parametrize(
    "template",
    [
        "Hi {first_name|trim|number}, {points|number} {joined|date} {city|date} {city|pluralize} {attributes.city}",
        '{points|uppercase|date:"%d"}',
        "{{if points > 5 and joined < 2026-01-01 and city == joined and vip == true}}{{end}}",
        "{{if created_at > joined and (points > 5) == vip}}{{end}}",
    ],
)
def test_a_template_that_fits_has_no_warning(template: str) -> None:
    parsed = parse_template(template, known_names(ATTRIBUTES))
    assert check_template(parsed, ATTRIBUTES) == ()
