"""Rich content of a WhatsApp message: a header, a footer and buttons beside its text, or a provider's template."""

from pydantic import BaseModel, ConfigDict


class RichContent(BaseModel):
    """What a WhatsApp message has beside its text."""

    model_config = ConfigDict(frozen=True)
