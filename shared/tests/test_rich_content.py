"""Rich content: each limit at its edge, when a campaign is created and when its messages are rendered."""

from typing import Any, Final

import pytest

from leopard.domain.statuses import Channel
from leopard.personalization.content_checks import check_channel
from leopard.personalization.content_parts import ContentError
from support.rich_content import (
    CALL,
    OPEN,
    REPLY,
    URL,
    approved,
    button_url,
    check,
    document,
    footer,
    header,
    label,
    media,
    parameter,
    payload,
    phone,
    render,
    template_body,
    template_header,
)

LIMITS: Final = [
    ("header.text", 60, header),
    ("header.filename", 255, document),
    ("buttons.0.text", 25, label),
    ("buttons.0.payload", 256, payload),
    ("template.name", 512, lambda text: {"template": {"name": text, "language": "en"}}),
    ("template.header.text", 60, template_header),
    ("template.body.1", 1024, template_body),
    ("template.buttons.0.value", 256, lambda text: parameter("reply", text)),
    ("template.buttons.0.value", 2000, lambda text: parameter("url", text)),
    ("template.buttons.0.value", 15, lambda text: parameter("copy_code", text)),
]
URLS: Final = [("header.url", 2000, media), ("buttons.0.url", 2000, button_url)]
CASES: Final = [(*case, "") for case in LIMITS] + [(*case, URL) for case in URLS]


@pytest.mark.parametrize(("part", "limit", "content", "begin"), CASES)
def test_a_part_at_its_limit_passes_and_one_above_fails(part: str, limit: int, content: Any, begin: str) -> None:
    fits, breaks = begin + "x" * (limit - len(begin)), begin + "x" * (limit + 1 - len(begin))
    problem = f"content.{part} has {limit + 1} characters, and the limit is {limit}"
    # a fixed text
    assert check(content(fits)) is None
    assert check(content(breaks)) == problem
    # the text before a placeholder
    assert check(content(fits + "{x}")) is None
    assert check(content(breaks + "{x}")) == f"{problem}, even where every placeholder is empty"
    # a value of a recipient
    rendered = render(content("{x}"), x=fits)
    assert fits in str(rendered)
    with pytest.raises(ContentError) as caught:
        render(content("{x}"), x=breaks)
    assert str(caught.value) == problem


def test_the_footer_has_its_limit_and_no_variables() -> None:
    assert check(footer("x" * 60)) is None
    assert check(footer("x" * 61)) == "content.footer has 61 characters, and the limit is 60"
    for variable in ("{first_name}", "{{if vip}}a{{end}}", "{attributes.z}", '{first_name|default:"you"}'):
        assert check(footer(variable)) == "content.footer must not have placeholders or conditions"
    assert check(footer('{"{first_name}"} {nickname}')) is None
    assert render(footer('{"{x}"} {z}'))["footer"] == "{x} {z}"


def test_the_text_has_the_limit_of_a_body_unless_a_template_takes_its_place() -> None:
    assert check(footer("x"), base_template="x" * 1024 + "{x}") is None
    problem = "templates.sw has 1025 characters, and the limit is 1024, even where every placeholder is empty"
    assert check(footer("x"), **{"base_template": "Hi", "templates.sw": "x" * 1025}) == problem
    assert check(approved(), base_template="x" * 1025) is None
    assert render(footer("x"), "x" * 1024)["body"] == "x" * 1024
    for text, wrong in (("x" * 1025, "has 1025 characters, and the limit is 1024"), (" \n", "is empty")):
        with pytest.raises(ContentError, match=f"^content.body {wrong}$"):
            render(footer("x"), text)
        assert "body" not in render(approved(), text)["template"]


def test_the_shortest_branch_of_a_condition_counts() -> None:
    long, short = "x" * 61, "x" * 60
    assert check(header(f"{{{{if x}}}}{long}{{{{else}}}}{short}{{{{end}}}}")) is None
    assert check(header(f"{{{{if x}}}}{long}{{{{end}}}}")) is None
    assert "has 61 characters" in str(check(header(f"{{{{if x}}}}{long}{{{{else}}}}{long}y{{{{end}}}}")))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (header("{x} and {y}"), "content.header.text has 2 placeholders and conditions, and the limit is 1"),
        (header("{x}{{if y}}!{{end}}"), "content.header.text has 2 placeholders and conditions, and the limit is 1"),
        (header("Hi {x}!"), None),
        (header("{{if x}}{x} {y}{{end}}"), None),
        (template_header("{x} and {y}"), None),
        (
            button_url(f"{URL}{{x}}/{{y}}"),
            "content.buttons.0.url has 2 placeholders and conditions, and the limit is 1",
        ),
        (button_url(f"{URL}{{x}}/a"), "content.buttons.0.url must have its placeholder or condition at the end"),
        (button_url(f"{URL}?a={{x|urlencode}}"), None),
        (button_url("{x}"), None),
        (media("https://{x}/{y}.png"), None),
        (media("ftp://example.com/{x}"), "content.header.url must begin with http:// or https://"),
        (media("htt{x}"), None),
        (media("HTTPS://{x}"), None),
        (button_url("example.com/{x}"), "content.buttons.0.url must begin with http:// or https://"),
        (media("example.com"), "content.header.url is not an http or https URL"),
        (phone("+254 700 123456"), "content.buttons.0.phone is not a phone number in E.164, such as +254700123456"),
        (phone("{x}"), None),
        (approved(language="en us"), "content.template.language is not a language code, such as en or en_US"),
        (approved(language="en\n"), "content.template.language is not a language code, such as en or en_US"),
        (approved(language="pt_BR"), None),
        (label('{"  "}'), "content.buttons.0.text is empty"),
    ],
)
def test_placeholders_and_fixed_texts_are_checked_before_rendering(
    content: dict[str, Any], problem: str | None
) -> None:
    assert check(content) == problem


@pytest.mark.parametrize(
    ("buttons", "problem"),
    [
        ([REPLY] * 10, None),
        ([OPEN] * 2, None),
        ([OPEN] * 3, "has 3 buttons of type url, and the limit is 2"),
        ([CALL] * 2, "has 2 buttons of type call, and the limit is 1"),
        ([OPEN, CALL, REPLY, REPLY], None),
        ([REPLY, REPLY, OPEN, OPEN, CALL], None),
        ([REPLY, OPEN, REPLY], "must have its buttons of type reply together, before or after all others"),
        ([OPEN, REPLY, CALL], "must have its buttons of type reply together, before or after all others"),
    ],
)
def test_buttons_have_limits_by_type_and_replies_stand_together(
    buttons: list[dict[str, Any]], problem: str | None
) -> None:
    assert check({"buttons": buttons}) == (problem and f"content.buttons {problem}")


def test_the_parameters_of_an_approved_templates_buttons_have_limits_by_type() -> None:
    def parameters(*kinds: str, index: int | None = None) -> str | None:
        buttons = [
            {"index": number if index is None else index, "type": kind, "value": "x"}
            for number, kind in enumerate(kinds)
        ]
        return check(approved(buttons=buttons))

    assert parameters(*["reply"] * 7, "url", "url", "copy_code") is None
    assert parameters("reply", "url", "reply") is None
    assert parameters("url", "url", "url") == "content.template.buttons has 3 buttons of type url, and the limit is 2"
    assert "2 buttons of type copy_code" in str(parameters("copy_code", "copy_code"))
    same = "content.template.buttons has two parameters with the same index"
    assert parameters("reply", "reply", index=3) == same


def test_sms_has_no_rich_content() -> None:
    check_channel(Channel.WHATSAPP)
    with pytest.raises(ContentError, match=r"^content needs the channel whatsapp$"):
        check_channel(Channel.SMS)
