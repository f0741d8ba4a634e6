"""Rich content of a WhatsApp message: a header, a footer and buttons beside its text, or a provider's template.

These models are what a client sends, less the text, and what is stored with a campaign. They check the form only;
`content_checks` has the limits.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from leopard.domain.blank_text import is_blank
from leopard.domain.stored_text import storable

MAX_BUTTONS: Final = 10
"""The limit of WhatsApp's message templates (Meta, template components)."""

MAX_PARAMETERS: Final = 100
"""The parameters of an approved template's text. WhatsApp names no limit; 1,024 characters have room for no more."""

MAX_PART: Final = 10_000
"""The characters of a part as it is written, with its placeholders and conditions."""

_MOST_FIELDS: Final = 20
"""More than any version has. A limit is needed because each unknown field produces an error."""


def _not_blank(text: str) -> str:
    if is_blank(text):
        msg = "must not be empty"
        raise ValueError(msg)
    return text


PartTemplate: TypeAlias = Annotated[
    str, Field(max_length=MAX_PART), AfterValidator(storable), AfterValidator(_not_blank)
]
"""A part that is rendered for each recipient, in the language of templates."""


class HeaderType(StrEnum):
    """What stands above the text of a message."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    DOCUMENT = "document"


class ButtonType(StrEnum):
    """What a button does: answer, open a page, or call a number."""

    REPLY = "reply"
    URL = "url"
    CALL = "call"


class ParameterType(StrEnum):
    """What a parameter of an approved template's button is: the payload of an answer, the end of a URL, or a code."""

    REPLY = "reply"
    URL = "url"
    COPY_CODE = "copy_code"


_FieldsOfTypes: TypeAlias = Mapping[str, tuple[frozenset[str], frozenset[str]]]
"""For each type the fields that a part must have, and those that it may have."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, given: Any) -> Any:  # noqa: ANN401 a request body has any type
        if isinstance(given, dict) and len(given) > _MOST_FIELDS:
            msg = f"must not have more than {_MOST_FIELDS} fields"
            raise ValueError(msg)
        return given


class _TypedPart(_Part):
    """A part whose `type` says which of its fields it has."""

    fields_of_types: ClassVar[_FieldsOfTypes]

    @model_validator(mode="after")
    def _fits_its_type(self) -> "_TypedPart":
        kind = str(getattr(self, "type", ""))
        needed, possible = self.fields_of_types[kind]
        given = {name for name in type(self).model_fields if name != "type" and getattr(self, name) is not None}
        if missing := sorted(needed - given):
            msg = f"must have {' and '.join(missing)}, because its type is {kind}"
            raise ValueError(msg)
        if surplus := sorted(given - needed - possible):
            msg = f"must not have {' or '.join(surplus)}, because its type is {kind}"
            raise ValueError(msg)
        return self


class ContentHeader(_TypedPart):
    """What stands above the text of a message: one line, or an image, a video or a document at a URL."""

    fields_of_types: ClassVar[_FieldsOfTypes] = {
        HeaderType.TEXT: (frozenset({"text"}), frozenset()),
        HeaderType.IMAGE: (frozenset({"url"}), frozenset()),
        HeaderType.VIDEO: (frozenset({"url"}), frozenset()),
        HeaderType.DOCUMENT: (frozenset({"url"}), frozenset({"filename"})),
    }

    type: HeaderType = Field(description="What the header is", examples=[HeaderType.IMAGE])
    text: PartTemplate | None = Field(
        default=None,
        description="Template of a `text` header: at most 60 characters and one placeholder",
        examples=["Order {attributes.order_number}"],
    )
    url: PartTemplate | None = Field(
        default=None,
        description="Template of the http or https URL of an image, a video or a document",
        examples=["{attributes.product_image}"],
    )
    filename: PartTemplate | None = Field(
        default=None, description="Template of a document's name", examples=["Invoice {attributes.invoice}.pdf"]
    )


class ContentButton(_TypedPart):
    """A button below a message."""

    fields_of_types: ClassVar[_FieldsOfTypes] = {
        ButtonType.REPLY: (frozenset({"text"}), frozenset({"payload"})),
        ButtonType.URL: (frozenset({"text", "url"}), frozenset()),
        ButtonType.CALL: (frozenset({"text", "phone"}), frozenset()),
    }

    type: ButtonType = Field(
        description="`reply` sends an answer, `url` opens a page, `call` calls a number", examples=[ButtonType.URL]
    )
    text: PartTemplate | None = Field(
        default=None,
        description="Template of what stands on the button, at most 25 characters; required",
        examples=["Show the {preferred_product|truncate:15}"],
    )
    payload: PartTemplate | None = Field(
        default=None,
        description="Template of what a `reply` sends back, at most 256 characters; the provider chooses if absent",
        examples=["yes {attributes.order_number}"],
    )
    url: PartTemplate | None = Field(
        default=None,
        description="Template of the http or https URL of a `url` button, with at most one placeholder at its end",
        examples=["https://example.com/products?name={preferred_product|urlencode}"],
    )
    phone: PartTemplate | None = Field(
        default=None, description="Template of the number of a `call` button, in E.164", examples=["+254700000001"]
    )


class ButtonParameter(_Part):
    """The parameter of one button of an approved template."""

    index: int = Field(
        ge=0, lt=MAX_BUTTONS, strict=True, description="Which button of the template, from 0", examples=[0]
    )
    type: ParameterType = Field(
        description="`reply` is the payload of an answer, `url` is the end of a URL, `copy_code` is a code",
        examples=[ParameterType.URL],
    )
    value: PartTemplate = Field(
        description="Template of the parameter, at most 256 characters for `reply`, 2,000 for `url`, 15 for a code",
        examples=["{attributes.order_number|urlencode}"],
    )


class ApprovedTemplate(_Part):
    """A template that the provider has approved, by its name, and a value for each of its variables."""

    name: PartTemplate = Field(
        description="Name of the template at the provider, at most 512 characters; a template itself",
        examples=["order_update"],
    )
    language: PartTemplate = Field(
        description="Code of the template's language at the provider; a template itself",
        examples=['{{if preferred_language == "sw"}}sw{{else}}en{{end}}'],
    )
    header: ContentHeader | None = Field(
        default=None, description="The variable of its header: a text, or what its header shows; absent without one"
    )
    body: list[PartTemplate] = Field(
        default=[],
        max_length=MAX_PARAMETERS,
        description="Templates of the variables of its text, in order, each at most 1,024 characters",
        examples=[['{first_name|default:"customer"}', "{attributes.order_number}"]],
    )
    buttons: list[ButtonParameter] = Field(
        default=[],
        max_length=MAX_BUTTONS,
        description="The variables of its buttons; buttons without one are not named",
    )


class RichContent(_Part):
    """What a WhatsApp message has beside its text: a header, a footer and buttons, or a template of the provider."""

    header: ContentHeader | None = Field(default=None, description="What stands above the text")
    footer: PartTemplate | None = Field(
        default=None,
        description="What stands below the text: at most 60 characters, no placeholders",
        examples=["Reply STOP to unsubscribe"],
    )
    buttons: list[ContentButton] = Field(
        default=[],
        max_length=MAX_BUTTONS,
        description="Buttons below the message: at most ten, among them two of type `url` and one of type `call`;"
        " those of type `reply` stand together",
    )
    template: ApprovedTemplate | None = Field(
        default=None,
        description="A template of the provider, sent in place of the text; not beside `header`, `footer` or `buttons`",
    )

    @model_validator(mode="after")
    def _has_one_form(self) -> "RichContent":
        if self.template is not None and (self.header or self.footer or self.buttons):
            msg = "must not have header, footer or buttons beside template: they stand in the template at the provider"
            raise ValueError(msg)
        return self

    def stored(self) -> dict[str, Any]:
        """The JSON that is stored with a campaign."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing beside the text."""
        return not (self.header or self.footer or self.buttons or self.template)
