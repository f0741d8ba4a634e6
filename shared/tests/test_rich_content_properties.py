"""What holds for all rich content and all values."""

import contextlib
from collections.abc import Mapping
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from leopard.domain.phone_numbers import is_e164
from leopard.personalization.content import RichContent
from leopard.personalization.content_parts import ContentError
from leopard.templates.problems import TemplateError
from support.rich_content import URL, check, document, header, media, render

values = st.one_of(
    st.text(max_size=20),
    st.text(max_size=70),
    st.text("x", min_size=200, max_size=2100),
    st.sampled_from([URL, f"{URL}a#b", "https://[", "+254700123456", "en", " ", "{x}", "http://\u2100.com"]),
)
templates = st.sampled_from(["{x}", "{y}", "Hi {x}", "{x}{y}", "{", "x", "x", "x"])
urls = st.sampled_from(["{x}", f"{URL}{{x}}", f"{URL}{{x|urlencode}}", URL])
numbers = st.sampled_from(["{x}", "+254700123456", "+254700123456"])
headers = st.one_of(
    st.builds(lambda text: header(text)["header"], templates),
    st.builds(lambda url: media(url)["header"], urls),
    st.builds(lambda filename: document(filename)["header"], templates),
)
buttons = st.one_of(
    st.builds(lambda text, payload: {"type": "reply", "text": text, "payload": payload}, templates, templates),
    st.builds(lambda text, url: {"type": "url", "text": text, "url": url}, templates, urls),
    st.builds(lambda text, number: {"type": "call", "text": text, "phone": number}, templates, numbers),
)
parameters = st.fixed_dictionaries(
    {"index": st.integers(0, 9), "type": st.sampled_from(["reply", "url", "copy_code"]), "value": templates}
)
approved_templates = st.fixed_dictionaries(
    {"name": templates, "language": st.sampled_from(["en", "{x}"])},
    optional={
        "header": headers,
        "body": st.lists(templates, max_size=3),
        "buttons": st.lists(parameters, max_size=3),
    },
)
contents = st.one_of(
    st.fixed_dictionaries(
        {}, optional={"header": headers, "footer": templates, "buttons": st.lists(buttons, max_size=3)}
    ),
    approved_templates.map(lambda template: {"template": template}),
)

FIELDS: Final = (
    *("header", "footer", "buttons", "template", "type", "text", "url", "filename", "payload", "phone"),
    *("name", "language", "body", "index", "value"),
)
MOST: Final = {"filename": 255, "footer": 60, "body": 1024, "payload": 256, "url": 2000, "phone": 16, "name": 512}


def assert_within_limits(structure: Mapping[str, Any], label_limit: int = 60) -> None:
    """Assert that all texts of a structure are within their limits, and none is empty."""
    for name, value in structure.items():
        match value:
            case str() if name != "type":
                assert 0 < len(value.strip()) <= len(value) <= MOST.get(name, label_limit), name
                assert name != "url" or value.lower().startswith(("http://", "https://"))
                assert name != "phone" or is_e164(value)
            case dict():
                assert_within_limits(value)
            case list():
                for item in value:
                    assert isinstance(item, dict) or 0 < len(item.strip()) <= len(item) <= 1024
                    if isinstance(item, dict):
                        assert_within_limits(
                            item, {"reply": 256, "copy_code": 15}.get(item["type"], 2000) if "value" in item else 25
                        )


@given(contents, values, values, values)
def test_rendered_content_is_within_all_limits_or_an_error(content: dict[str, Any], text: str, x: str, y: str) -> None:
    with contextlib.suppress(ContentError):
        assert_within_limits(render(content, text, x=x, y=y))


@given(contents)
def test_content_that_is_accepted_without_placeholders_renders_for_everyone(content: dict[str, Any]) -> None:
    with contextlib.suppress(TemplateError):
        if check(content) is None and "{x}" not in str(content) and "{y}" not in str(content):
            assert_within_limits(render(content))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(["text", "image", "url", "x", " ", ""])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*FIELDS, "unknown"]), inner, max_size=4),
    ),
    max_leaves=12,
)


@given(st.one_of(contents, json_values))
def test_any_json_is_content_or_a_validation_error(given_json: Any) -> None:
    with contextlib.suppress(ValidationError):
        content = RichContent.model_validate(given_json)
        assert RichContent.model_validate(content.stored()) == content
