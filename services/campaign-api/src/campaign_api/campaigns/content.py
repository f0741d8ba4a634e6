"""Rich content in requests: the stored form and, beside it, the text of the message."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pydantic import Field, model_validator

from campaign_api.web.errors import ApiError, ErrorCode
from campaign_api.web.field_types import TemplateText
from leopard.personalization.content import RichContent
from leopard.personalization.content_checks import check_channel
from leopard.personalization.content_parts import ContentError

CONTENT: Final = "What a WhatsApp message has beside its text, or in place of it; docs/whatsapp.md describes it"
CONTENT_EXAMPLE: Final[dict[str, Any]] = {
    "header": {"type": "image", "url": "{attributes.product_image}"},
    "footer": "Reply STOP to unsubscribe",
    "buttons": [{"type": "url", "text": "Show it", "url": "https://example.com/{preferred_product|urlencode}"}],
}
RENDERED_CONTENT_EXAMPLE: Final[dict[str, Any]] = {
    "header": {"type": "image", "url": "https://example.com/shoe.jpg"},
    "body": "Hello Alice",
    "footer": "Reply STOP to unsubscribe",
    "buttons": [{"type": "url", "text": "Show it", "url": "https://example.com/Running%20Shoe"}],
}


class NewContent(RichContent):
    """What a WhatsApp message holds: text, header, footer and buttons, or a template of the provider."""

    body: TemplateText | None = Field(
        default=None,
        description="Text of the messages, another name for `base_template`; give one of the two",
        examples=["Hi {first_name}, check out {preferred_product} in {location}!"],
    )

    @model_validator(mode="after")
    def _holds_something(self) -> "NewContent":
        if self.is_empty and self.body is None:
            msg = "must hold header, body, footer, buttons or template"
            raise ValueError(msg)
        return self

    @property
    def beside_text(self) -> RichContent | None:
        """What is stored beside the text; None where there is only a text."""
        if self.is_empty:
            return None
        return RichContent(header=self.header, footer=self.footer, buttons=self.buttons, template=self.template)


@contextmanager
def answering_content_problems() -> Iterator[None]:
    """Answer content that breaks a limit with the part that does.

    Raises:
        ApiError: INVALID_REQUEST.
    """
    try:
        yield
    except ContentError as error:
        detail = {"field": error.part, "message": error.problem}
        raise ApiError(ErrorCode.INVALID_REQUEST, str(error), [detail]) from None


def refuse_unless_possible(channel: str, content: object) -> None:
    """Refuse content on a channel that has none.

    Raises:
        ApiError: INVALID_REQUEST.
    """
    if content is not None:
        with answering_content_problems():
            check_channel(channel)
