"""Filters, conditions, quoted texts and attributes mean what docs/templates.md says."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from leopard.templates.language import TemplateError, has_new_constructs, known_names, parse_template
from leopard.templates.plurals import pluralize

KNOWN: Final = known_names({"points", "balance", "vip", "joined", "tags", "code", "location"})
ALICE: Final[dict[str, Any]] = {
    "first_name": "Alice",
    "last_name": None,
    "location": "Nairobi",
    "preferred_product": "",
    "phone": "+254700123456",
    "created_at": datetime(2026, 11, 30, 14, 5, tzinfo=UTC),
    "attributes": {
        "points": 1234,
        "balance": 0,
        "vip": False,
        "joined": "2026-03-07",
        "tags": ["running", "yoga"],
        "code": " mixed Case ",
        "location": "Kisumu",
    },
}


def render(template: str, language: str | None = None) -> str:
    return parse_template(template, KNOWN).render(ALICE, language)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{first_name|uppercase}", "ALICE"),
        ("{first_name | lowercase | capitalize}", "Alice"),
        ("{ first_name|uppercase }", "ALICE"),
        ("{{first_name|uppercase}}", "{ALICE}"),
        ('{"name": "{first_name|uppercase}"}', '{"name": "ALICE"}'),
        ("{code|trim|titlecase}!", "Mixed Case!"),
        ("{code|trim|capitalize}!", "Mixed Case!"),
        ("{code|titlecase}!", " Mixed Case !"),
        ("{phone|truncate:13}", "+254700123456"),
        ("{phone|truncate:12}", "+25470012..."),
        ('{phone|truncate:12:""}', "+25470012345"),
        ('{phone|truncate:12:"…"}', "+2547001234…"),
        ("{phone|truncate:2}", "+2"),
        ("{phone|urlencode}", "%2B254700123456"),
        ("{tags}", "running, yoga"),
        ("{vip} {points} {balance}", "false 1234 0"),
        ("{points|number}", "1,234"),
        ('{points|currency:"KES"}', "KES 1,234.00"),
        ('{points|currency:"JPY"}', "¥1,234"),
        ("{first_name|number}", "Alice"),
        ('{joined|date:"%d %b"}', "07 Mar"),
        ('{joined|date:"%A, %-d %B %Y (%j) 100%%"}', "Saturday, 7 March 2026 (066) 100%"),
        ("{joined|date}", "Mar 7, 2026"),
        ('{created_at|date:"%d/%m/%y %H:%M"}', "30/11/26 14:05"),
        ("{created_at}", "2026-11-30"),
        ('{first_name|date:"%d"}', "Alice"),
        ('{last_name|default:"Valued Customer"}', "Valued Customer"),
        ('{preferred_product|default:"shoes"|uppercase}', "SHOES"),
        ('{preferred_product|uppercase|default:"shoes"}', "shoes"),
        ('{balance|default:"none"} {vip|default:"none"}', "0 false"),
        ("{last_name|default:5|number}", "5"),
        (r'{last_name|default:"a \"friend\" } | : \\ \n"}', r'a "friend" } | : \ \n'),
        ("{attributes.location} {location}", "Kisumu Nairobi"),
        ("{attributes.unknown}.", "."),
    ],
)
def test_filters(template: str, expected: str) -> None:
    assert render(template) == expected


@pytest.mark.parametrize(
    ("template", "language", "expected"),
    [
        ('{joined|date:"%-d %B"}', "sw-KE", "7 Machi"),
        ('{joined|date:"%A"}', "fr", "samedi"),
        ("{points|number}", "de", "1.234"),
        ("{points|number}", "fr", "1 234"),
        ("{points|number}", "de-CH", "1'234"),
        ('{points|currency:"EUR"}', "fr", "1 234,00 €"),
        ('{points|currency:"KES"}', "sw-KE", "Ksh 1,234.00"),
        ('{points|currency:"KES"}', "en-KE", "Ksh 1,234.00"),
        ('{points|currency:"TZS"}', "fr", "1 234,00 TZS"),
        ("{points|number}", "tlh", "1,234"),
        ("{points|number}", "de-XX-variant", "1.234"),
        ("{points|number}", "!", "1,234"),
    ],
)
def test_formats_follow_the_language_and_use_no_character_that_forces_ucs2(
    template: str, language: str, expected: str
) -> None:
    assert render(template, language) == expected
    assert parse_template(template, KNOWN).render({**ALICE, "preferred_language": language}) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("location", True),
        ("last_name", False),
        ("preferred_product", False),
        ("balance", False),
        ("vip", False),
        ("unknown", False),
        ("tags", True),
        ("points > 100", True),
        ("100 < points", True),
        ("points >= 1234 and points <= 1234", True),
        ("points == 1234.0", True),
        ("points != 1234", False),
        ('location == "Nairobi"', True),
        ('"Nairobi" == location', True),
        ('location == "nairobi"', False),
        ('location < "Nakuru"', True),
        ("joined < 2026-04-01", True),
        ("2026-04-01 > joined", True),
        ("joined == 2026-03-07", True),
        ("created_at == 2026-11-30", True),
        ("created_at > joined", True),
        ('joined == "2026-03-07"', True),
        ("vip == false", True),
        ("vip != true", True),
        ("not vip and location", True),
        ("vip or points > 2000 or location", True),
        ("location and points and tags", True),
        ("location and points and tags and vip", False),
        ("vip or unknown or balance", False),
        ("vip and unknown or location", True),
        ("vip and (unknown or location)", False),
        ("not (vip or unknown)", True),
        ("not not location", True),
        ("(points > 100) == true", True),
        ("attributes.location == location", False),
        ("true", True),
        ("0", False),
    ],
)
def test_conditions(condition: str, expected: bool) -> None:  # noqa: FBT001 a case's result
    assert render(f"{{{{if {condition}}}}}yes{{{{else}}}}no{{{{end}}}}") == ("yes" if expected else "no")


@pytest.mark.parametrize("operator", ["==", "!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("last_name", '"Mwangi"'),
        ("last_name", "last_name"),
        ("unknown", "5"),
        ("points", '"1234"'),
        ("location", "100"),
        ("location", "2026-11-30"),
        ("points", "2026-11-30"),
        ("vip", "0"),
        ("tags", '"running"'),
        ("tags", "tags"),
        ("joined", "points"),
    ],
)
def test_what_cannot_be_compared_is_false(left: str, operator: str, right: str) -> None:
    assert render(f"{{{{if {left} {operator} {right}}}}}yes{{{{end}}}}") == ""
    assert render(f"{{{{if {right} {operator} {left}}}}}yes{{{{end}}}}") == ""


@pytest.mark.parametrize(
    "written",
    ["first_name.upper", "first_name.__class__", "attributes.__class__", "attributes", "first_name[0]", "7*7", "a()"],
)
def test_a_template_reaches_nothing_but_fields(written: str) -> None:
    assert render(f"{{{written}}} {{{written}|trim}}") == f"{{{written}}} {{{written}|trim}}"
    if written != "attributes":
        with pytest.raises(TemplateError):
            parse_template(f"{{{{if {written}}}}}yes{{{{end}}}}", KNOWN)


def test_true_and_false_have_no_order() -> None:
    assert render("{{if vip < true}}yes{{end}}{{if vip <= false}}yes{{end}}") == ""


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{if vip}}a{{else if points > 5000}}b{{else if location}}c{{else}}d{{end}}", "c"),
        ("{{if location}}{{if points > 5000}}a{{else}}b{{end}}{{end}}", "b"),
        ("a {{ if location }} {first_name} {{ end }} b", "a  Alice  b"),
        ("{{if vip}}a{{end}}", ""),
        ("{ {{if vip}}a{{else}}{x}{{end}} }", "{ {x} }"),
        ('{"{first_name}"}', "{first_name}"),
        ('{"}"}{"{{if vip}}"}{""}', "}{{if vip}}"),
        (r'{"say \"hi\" \\"}', r'say "hi" \ '.rstrip()),
        ("{{iffy}} {{end_date}} {{endif}} {{else x}}", "{{iffy}} {{end_date}} {{endif}} {{else x}}"),
        ("{nickname|uppercase} {yes|no}", "{nickname|uppercase} {yes|no}"),
        ("100% {first_name|uppercase} %s {last_name}%", "100% ALICE %s %"),
    ],
)
def test_conditions_and_quoted_texts_among_other_text(template: str, expected: str) -> None:
    assert render(template) == expected


@pytest.mark.parametrize(
    "template",
    ["{first_name|trim}", "{{if first_name}}{{end}}", '{"x"}', "{points}", "{attributes.location}", "{time_zone}"],
)
def test_constructs_of_this_version_are_known_as_such(template: str) -> None:
    assert has_new_constructs(parse_template(template, KNOWN))
    assert not has_new_constructs(parse_template(template.replace("{", "(").replace("}", ")"), KNOWN))


def test_a_known_attribute_is_a_placeholder_and_another_name_is_text() -> None:
    assert parse_template("{points}", KNOWN).render(ALICE) == "1234"
    assert parse_template("{points}").render(ALICE) == "{points}"
    assert parse_template("{points}").unknown == ("points",)


@pytest.mark.parametrize(
    ("singular", "plural"),
    [
        ("shoe", "shoes"), ("bus", "buses"), ("glass", "glasses"), ("box", "boxes"), ("buzz", "buzzes"),
        ("church", "churches"), ("stomach", "stomachs"), ("brush", "brushes"), ("baby", "babies"), ("day", "days"),
        ("soliloquy", "soliloquies"), ("leaf", "leaves"), ("bookshelf", "bookshelves"), ("knife", "knives"),
        ("wife", "wives"), ("roof", "roofs"), ("chief", "chiefs"), ("cliff", "cliffs"), ("giraffe", "giraffes"),
        ("cafe", "cafes"), ("hero", "heroes"), ("photo", "photos"), ("child", "children"), ("lens", "lenses"),
        ("Running Shoe", "Running Shoes"), ("BOX", "BOXES"), ("BABY", "BABIES"), ("Man", "Men"), ("Dress", "Dresses"),
        ("Running Shoes", "Running Shoes"), ("jeans", "jeans"), ("people", "people"), ("news", "news"),
        ("pizzas", "pizzas"), ("menus", "menus"), ("iris", "irises"), ("", ""), ("42", "42"), ("X", "Xes"),
    ],
)  # fmt: skip
def test_plurals(singular: str, plural: str) -> None:
    assert pluralize(singular) == plural
