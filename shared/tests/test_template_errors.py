"""A template that does not parse is refused with the place, a picture and the nearest known name."""

from typing import Final

import pytest

from leopard.templates.condition_parser import MAX_CONDITION_LEVELS
from leopard.templates.filter_parser import MAX_FILTERS
from leopard.templates.language import TemplateError, known_names, parse_template
from leopard.templates.parser import MAX_LEVELS

KNOWN: Final = known_names({"points", "vip"})


def refused(template: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        parse_template(template, KNOWN)
    return caught.value


@pytest.mark.parametrize(
    ("template", "marked", "part_of_message", "nearest"),
    [
        ("Hi {first_name|upercase}", "upercase}", "unknown filter 'upercase'", "uppercase"),
        ("Hi {first_name|Uppercase}", "Uppercase}", "unknown filter 'Uppercase'", "uppercase"),
        ("{first_name|xyzzy}", "xyzzy}", "unknown filter 'xyzzy'", None),
        ("{first_name|}", "}", "the name of a filter is missing", None),
        ("{first_name|trim|}", "}", "the name of a filter is missing", None),
        ("{first_name|trim", "{first", "'{' is never closed", None),
        ("{first_name|trim, please}", ", please", "unexpected ','", None),
        ("{first_name|trim:1}", "1}", "trim takes no argument", None),
        ("{first_name|truncate}", "truncate", "truncate needs a whole number, as in truncate:20", None),
        ('{first_name|truncate:"20"}', '"20"', "truncate needs a whole number", None),
        ("{first_name|truncate:1.5}", "1.5", "truncate needs a whole number", None),
        ("{first_name|truncate:0}", "0}", "truncate needs a number from 1", None),
        ("{first_name|truncate:10001}", "10001", "truncate needs a number from 1 to 10000", None),
        ("{first_name|default}", "default", "default needs a text in double quotes", None),
        ("{first_name|default:friend}", "friend", "an argument is a text in double quotes", None),
        ("{first_name|default:“friend”}", "“", "a text needs straight quotes", None),
        ('{first_name|default:"friend}', '"friend', "the text is not closed by a quote", None),
        ('{first_name|default:"a":"b"}', '"b"', 'default takes no more: default:"Valued Customer"', None),
        ('{points|currency:"KSH"}', '"KSH"', "unknown currency 'KSH'", "KES"),
        ('{points|currency:"usd"}', '"usd"', "unknown currency 'usd'", "USD"),
        ('{points|date:"%d %q"}', '"%d', "date has no code %q", None),
        ('{points|date:"100%"}', '"100', "date has no code %", None),
        ("a {{if vip}} b", "{{if", "'{{if' has no '{{end}}'", None),
        ("{{if vip}}{{if vip}}{{end}}", "{{if vip}}{{if", "'{{if' has no '{{end}}'", None),
        ("a {{end}}", "{{end", "'{{end}}' has no '{{if'", None),
        ("{{else}}", "{{else", "'{{else}}' has no '{{if'", None),
        ("{{else if vip}}", "{{else", "'{{else if' has no '{{if'", None),
        ("{{if vip}}{{else}}{{else}}{{end}}", "{{else}}{{end", "'{{else}}' after '{{else}}'", None),
        ("{{if}}a{{end}}", "}}a", "the condition is incomplete", None),
        ("{{if vip and}}a{{end}}", "}}a", "the condition is incomplete", None),
        ("{{if points >}}a{{end}}", "}}a", "the condition is incomplete", None),
        ("{{if points = 5}}a{{end}}", "= 5", "unexpected '='", "=="),
        ("{{if vip && points}}a{{end}}", "&&", "unexpected '&'", "and"),
        ("{{if !vip}}a{{end}}", "!vip", "unexpected '!'", "not"),
        ("{{if vip || points}}a{{end}}", "||", "unexpected '||'", "or"),
        ('{{if points == "a}}{{end}}', '"a', "the text is not closed by a quote", None),
        ("{{if vip points}}a{{end}}", "points", "unexpected 'points'", None),
        ("{{if 1 < points < 5}}a{{end}}", "< 5", "a comparison has one operator", None),
        ("{{if Points}}a{{end}}", "Points", "'Points' is not the name of a field", "points"),
        ("{{if points.length}}a{{end}}", "points.l", "'points.length' is not the name of a field", "points"),
        ("{{if vip|trim}}a{{end}}", "|trim", "a condition cannot use filters", None),
        ("{{if points > 2026-02-30}}a{{end}}", "2026", "2026-02-30 is not a day of the calendar", None),
        ("{{if 'a' == points}}a{{end}}", "'a'", "a text needs straight double quotes", None),
        ("{{if (vip}}a{{end}}", "(vip", "'(' is never closed", None),
        ("{{if vip)}}a{{end}}", ")}}", "unexpected ')'", None),
        ("{{if vip}}{{{end}}", "{{{end", "'{' is never closed", None),
        ("{ {{if vip}} } {{end}}", "} {{end", "'}' closes nothing", None),
    ],
)
def test_an_error_names_its_place_and_what_is_near(
    template: str, marked: str, part_of_message: str, nearest: str | None
) -> None:
    for before, line in (("", 1), ("one\n\ttwo ", 2)):
        error = refused(before + template)
        column = (before + template).index(marked, len(before)) - len(before.rpartition("\n")[0]) - (line - 1) + 1
        assert (error.line, error.column) == (line, column)
        assert part_of_message in str(error)
        assert f"at line {line}, column {column}" in str(error)
        assert error.nearest == nearest
        shown, caret = error.picture.split("\n")
        assert shown[caret.index("^") :].startswith(marked[:1])


def test_the_picture_of_a_long_line_shows_the_part_around_the_error() -> None:
    error = refused("x" * 500 + "{first_name|upercase}" + "y" * 500 + "\nz")
    shown, caret = error.picture.split("\n")
    assert len(shown) == 72
    assert shown[caret.index("^") :].startswith("upercase}")


def test_a_condition_that_ends_with_the_text_is_marked_behind_its_last_character() -> None:
    error = refused("{{if vip")
    assert error.picture == "{{if vip\n        ^"


def test_nesting_is_bounded() -> None:
    def nested(levels: int) -> str:
        return "{{if vip}}" * levels + "{{end}}" * levels

    parse_template(nested(MAX_LEVELS), KNOWN)
    assert "levels" in str(refused(nested(MAX_LEVELS + 1)))
    deepest = "(" * MAX_CONDITION_LEVELS + "vip" + ")" * MAX_CONDITION_LEVELS
    parse_template(f"{{{{if {deepest}}}}}{{{{end}}}}", KNOWN)
    assert "levels" in str(refused(f"{{{{if ({deepest})}}}}{{{{end}}}}"))
    parse_template("{first_name" + "|trim" * MAX_FILTERS + "}", KNOWN)
    assert "filters" in str(refused("{first_name" + "|trim" * (MAX_FILTERS + 1) + "}"))
