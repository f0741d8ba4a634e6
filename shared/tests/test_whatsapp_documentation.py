"""docs/whatsapp.md, to the letter: its examples render as it says, and its table has the limits."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from leopard.domain.statuses import Channel
from leopard.personalization import content_parts as rules
from leopard.personalization.content import MAX_BUTTONS, ParameterType, RichContent
from leopard.personalization.content_checks import check_content
from leopard.personalization.rendered_content import render_content
from leopard.providers.contract import OutgoingMessage
from leopard.providers.generic_http import request_body
from leopard.templates.language import known_names, parse_template

PAGE: Final = (Path(__file__).parents[2] / "docs/whatsapp.md").read_text()


def blocks(kind: str) -> list[Any]:
    found = re.findall(rf"^```json{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [json.loads(block) for block in found]


CUSTOMER: Final = blocks(" customer")[0]
KNOWN: Final = known_names(CUSTOMER["attributes"])
EXAMPLES: Final = list(zip(blocks(" content"), blocks(" message"), strict=True))


@pytest.mark.parametrize(("given", "message"), EXAMPLES)
def test_an_example_is_accepted_and_rendered_as_the_page_says(given: dict[str, Any], message: dict[str, Any]) -> None:
    body = given["body"]
    content = RichContent.model_validate({name: part for name, part in given.items() if name != "body"})
    check_content(content, KNOWN, {"content.body": body})

    def render(template: str) -> str:
        return parse_template(template, KNOWN).render(CUSTOMER)

    assert render_content(content, render(body), render) == message


def test_the_examples_have_every_kind_of_part() -> None:
    written = json.dumps([given for given, _ in EXAMPLES])
    for part in ("header", "footer", "reply", "call", "template", "filename", "payload", "index"):
        assert f'"{part}"' in written


def test_a_request_to_the_provider_looks_as_the_page_says() -> None:
    request = blocks("")[0]
    content, text = EXAMPLES[1][1], request["text"]
    message = OutgoingMessage(9001, "1-9001", Channel.WHATSAPP, "+254700123456", text, content)
    assert request_body(message) == request


def test_the_page_has_the_limits() -> None:
    table = PAGE[PAGE.index("| part | characters |") : PAGE.index("A message has at most")]
    limits = [int(number.replace(",", "")) for number in re.findall(r"\| ([0-9,]+) \|", table)]
    assert limits == [
        rules.BODY.limit,
        rules.HEADER_TEXT.limit,
        rules.FOOTER.limit,
        rules.BUTTON_URL.limit,
        rules.FILENAME.limit,
        rules.BUTTON_TEXT.limit,
        rules.BUTTON_PAYLOAD.limit,
        rules.BUTTON_PHONE.limit,
        rules.TEMPLATE_NAME.limit,
        rules.TEMPLATE_LANGUAGE.limit,
        rules.HEADER_PARAMETER.limit,
        rules.BODY_PARAMETER.limit,
        *(rules.BUTTON_PARAMETERS[kind].limit for kind in ParameterType),
    ]
    assert f"at most {MAX_BUTTONS} buttons" in PAGE
