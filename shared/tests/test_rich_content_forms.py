"""The form of rich content: what a client may send, and the parts that it has."""

from typing import Any

import pytest
from pydantic import ValidationError

from leopard.personalization.content import RichContent
from leopard.personalization.content_parts import texts
from support.rich_content import (
    CALL,
    OPEN,
    REPLY,
    URL,
    approved,
    document,
    footer,
    header,
)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"heading": {}}, "heading"),
        ({"header": {"type": "audio", "url": URL}}, "header.type"),
        ({"header": {"type": "image"}}, "header"),
        ({"header": {"type": "image", "url": URL, "text": "x"}}, "header"),
        ({"header": {"type": "video", "url": URL, "filename": "x"}}, "header"),
        ({"header": {"type": "text"}}, "header"),
        ({"header": {"type": "text", "text": " "}}, "header.text"),
        ({"footer": "a\0"}, "footer"),
        ({"footer": "x" * 10_001}, "footer"),
        ({"buttons": [{"type": "reply"}]}, "buttons.0"),
        ({"buttons": [{"type": "url", "text": "Open"}]}, "buttons.0"),
        ({"buttons": [{"type": "call", "text": "Call", "url": URL}]}, "buttons.0"),
        ({"buttons": [{**REPLY, "color": "red"}]}, "buttons.0.color"),
        ({"buttons": [{"type": "reply", "text": {"en": "x"}}]}, "buttons.0.text"),
        ({"buttons": [REPLY] * 11}, "buttons"),
        ({"buttons": [dict.fromkeys(map(str, range(21)))]}, "buttons.0"),
        ({"template": {"name": "x"}}, "template.language"),
        (approved(body=["x"] * 101), "template.body"),
        (approved(buttons=[{"index": 10, "type": "url", "value": "x"}]), "template.buttons.0.index"),
        (approved(buttons=[{"index": -1, "type": "url", "value": "x"}]), "template.buttons.0.index"),
        ({**approved(), "footer": "x"}, ""),
        ({**approved(), "buttons": [REPLY]}, ""),
        ({**approved(), **header("x")}, ""),
    ],
)
def test_content_of_a_wrong_form_is_refused_with_its_place(content: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RichContent.model_validate(content)
    assert [".".join(map(str, error["loc"])) for error in caught.value.errors()] == [place]


def test_a_header_says_which_field_its_type_needs() -> None:
    with pytest.raises(ValidationError, match="must have url, because its type is image"):
        RichContent.model_validate({"header": {"type": "image", "filename": "x"}})
    with pytest.raises(ValidationError, match="must not have payload, because its type is call"):
        RichContent.model_validate({"buttons": [{**CALL, "payload": "x"}]})


def test_each_part_has_a_path() -> None:
    content = {**document("f"), **footer("g"), "buttons": [{**REPLY, "payload": "p"}, OPEN, CALL]}
    assert dict(texts(RichContent.model_validate(content))) == {
        "content.header.url": URL,
        "content.header.filename": "f",
        "content.footer": "g",
        "content.buttons.0.text": "Yes",
        "content.buttons.0.payload": "p",
        "content.buttons.1.text": "Open",
        "content.buttons.1.url": URL,
        "content.buttons.2.text": "Call",
        "content.buttons.2.phone": "+254700123456",
    }
    approved_parts = approved(header={"type": "video", "url": URL}, body=["b"], buttons=[])
    assert dict(texts(RichContent.model_validate(approved_parts))) == {
        "content.template.name": "order_update",
        "content.template.language": "en",
        "content.template.header.url": URL,
        "content.template.body.0": "b",
    }
