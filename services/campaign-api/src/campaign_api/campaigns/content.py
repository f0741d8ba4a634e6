"""Rich content in requests: the stored form and, beside it, the text of the message."""

from pydantic import Field, model_validator

from campaign_api.web.field_types import TemplateText
from leopard.personalization.content import RichContent


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
