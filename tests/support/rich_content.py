"""Builds rich content, checks it and renders it."""

from collections.abc import Mapping
from typing import Any, Final

from leopard.personalization.content import RichContent
from leopard.personalization.content_checks import check_content
from leopard.personalization.content_parts import ContentError
from leopard.personalization.rendered_content import render_content
from leopard.templates.language import known_names, parse_template

KNOWN: Final = known_names({"x", "y"})
URL: Final = "https://example.com/"

REPLY: Final = {"type": "reply", "text": "Yes"}
OPEN: Final = {"type": "url", "text": "Open", "url": URL}
CALL: Final = {"type": "call", "text": "Call", "phone": "+254700123456"}


def header(text: str) -> dict[str, Any]:
    return {"header": {"type": "text", "text": text}}


def media(url: str) -> dict[str, Any]:
    return {"header": {"type": "image", "url": url}}


def document(filename: str) -> dict[str, Any]:
    return {"header": {"type": "document", "url": URL, "filename": filename}}


def footer(text: str) -> dict[str, Any]:
    return {"footer": text}


def label(text: str) -> dict[str, Any]:
    return {"buttons": [{"type": "reply", "text": text}]}


def payload(text: str) -> dict[str, Any]:
    return {"buttons": [{**REPLY, "payload": text}]}


def button_url(url: str) -> dict[str, Any]:
    return {"buttons": [{**OPEN, "url": url}]}


def phone(number: str) -> dict[str, Any]:
    return {"buttons": [{**CALL, "phone": number}]}


def approved(**parts: Any) -> dict[str, Any]:
    return {"template": {"name": "order_update", "language": "en", **parts}}


def template_header(text: str) -> dict[str, Any]:
    return approved(header={"type": "text", "text": text})


def template_body(text: str) -> dict[str, Any]:
    return approved(body=["first", text])


def parameter(kind: str, value: str) -> dict[str, Any]:
    return approved(buttons=[{"index": 1, "type": kind, "value": value}])


def check(content: Mapping[str, Any], **bodies: str) -> str | None:
    """What is wrong with content when a campaign is created; None if nothing is."""
    try:
        check_content(RichContent.model_validate(content), KNOWN, bodies)
    except ContentError as error:
        return str(error)
    return None


def render(content: Mapping[str, Any], text: str = "Hi", **attributes: Any) -> dict[str, Any]:
    values = {"phone": "+254700123456", "attributes": attributes}
    return render_content(
        RichContent.model_validate(content), text, lambda part: parse_template(part, KNOWN).render(values)
    )
