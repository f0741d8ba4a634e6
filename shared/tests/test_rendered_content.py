"""Rich content as it is rendered for a recipient."""

from typing import Final

import pytest

from leopard.personalization.content import RichContent
from leopard.personalization.content_checks import check_content
from leopard.personalization.content_parts import ContentError
from leopard.personalization.model import Personalization
from leopard.personalization.rendering import MessageTemplates
from leopard.templates.problems import TemplateError
from support.rich_content import (
    KNOWN,
    OPEN,
    REPLY,
    URL,
    button_url,
    document,
    footer,
    header,
    label,
    media,
    parameter,
    phone,
    render,
    template_body,
    template_header,
)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "is empty"),
        ("ftp://example.com", "is not an http or https URL"),
        ("javascript:alert(1)", "is not an http or https URL"),
        ("https://", "is not an http or https URL"),
        ("https://example.com:99999/", "is not an http or https URL"),
        ("https://[::1", "is not an http or https URL"),
        ("//example.com", "is not an http or https URL"),
        ("https://example.com/a b", "is not an http or https URL: it contains a space or an invisible character"),
        ("https://example.com/a\n", "is not an http or https URL: it contains a space or an invisible character"),
        ("https://example.com/\u200b", "is not an http or https URL: it contains a space or an invisible character"),
        ("HTTPS://Example.com/é?a=%20&b#c#d", None),
        ("http://127.0.0.1:8080", None),
    ],
)
def test_a_rendered_url_must_be_one_of_the_web(value: str, problem: str | None) -> None:
    for content, name in ((media("{x}"), "header.url"), (button_url("{x}"), "buttons.0.url")):
        if problem is None:
            assert value in str(render(content, x=value))
            continue
        with pytest.raises(ContentError) as caught:
            render(content, x=value)
        assert str(caught.value) == f"content.{name} {problem}"


def test_a_rendered_phone_must_be_in_e164() -> None:
    assert render(phone("{x}"), x="+254700123456")["buttons"][0]["phone"] == "+254700123456"
    for wrong in ("0700123456", "254700123456", "+0700123456", "+2547001234567890", "+254700123456\n"):
        with pytest.raises(ContentError, match=r"^content.buttons.0.phone "):
            render(phone("{x}"), x=wrong)


def test_optional_parts_that_are_empty_for_a_recipient_are_left_out() -> None:
    content = {**document("{x}"), "buttons": [{**REPLY, "payload": "{x}"}, OPEN]}
    assert render(content, x=" ") == {
        "header": {"type": "document", "url": URL},
        "body": "Hi",
        "buttons": [REPLY, OPEN],
    }
    assert render({**header("{{if x}}Hello {x}{{end}}"), **footer("Bye")}) == {"body": "Hi", "footer": "Bye"}


def test_a_required_part_that_is_empty_is_an_error() -> None:
    for content in (label("{x}"), template_header("{x}"), template_body("{x}"), parameter("url", "{x}"), phone("{x}")):
        with pytest.raises(ContentError, match=r"is empty$"):
            render(content, x=None)


def test_a_part_that_does_not_parse_is_an_error_that_names_it() -> None:
    with pytest.raises(ContentError, match=r"^content.buttons.0.text does not parse: '{' is never closed at line 1"):
        render(label("{x"))
    with pytest.raises(TemplateError):
        check_content(RichContent.model_validate(label("{x")), KNOWN)


def test_content_is_rendered_in_the_language_and_with_the_text_that_were_chosen() -> None:
    content = {**header("{x|number}"), "buttons": [{**OPEN, "url": f"{URL}{{preferred_language}}"}]}
    personalization = Personalization.model_validate(
        {"attributes": ["x"], "templates": {"de": "Hallo {first_name}"}, "content": content}
    )
    stored = MessageTemplates.stored("Hi {first_name}", personalization.stored())
    rendered = stored.render(Someone(), language="de")
    assert rendered.text == "Hallo Alice"
    assert rendered.content == {
        "header": {"type": "text", "text": "1.234"},
        "body": "Hallo Alice",
        "buttons": [{**OPEN, "url": f"{URL}sw"}],
    }


class Someone:
    phone = "+254700123456"
    first_name = "Alice"
    last_name = location = preferred_product = time_zone = created_at = None
    preferred_language = "sw"
    attributes: Final = {"x": 1234}
