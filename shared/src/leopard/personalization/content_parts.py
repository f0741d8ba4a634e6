"""The parts of rich content that are rendered, and what holds for each of them.

Source of the limits: Meta, "Template components" and "Supported parameters" of WhatsApp's message templates, as
docs/whatsapp.md lists them. Characters are code points.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from leopard.domain.blank_text import is_blank
from leopard.domain.languages import language_tag
from leopard.domain.phone_numbers import is_e164
from leopard.personalization.content import (
    ApprovedTemplate,
    ButtonType,
    ContentButton,
    ContentHeader,
    HeaderType,
    ParameterType,
    RichContent,
)
from leopard.urls import checked_http_url

Path: TypeAlias = tuple[str | int, ...]

Form: TypeAlias = Callable[[str], str | None]
"""Says what is wrong with a text; None if nothing is."""


class ContentError(ValueError):
    """A part of rich content breaks a limit. Its text names the part, and never shows a value."""

    def __init__(self, part: str, problem: str) -> None:
        super().__init__(f"{part} {problem}")
        self.part = part
        self.problem = problem


def _any_form(_text: str) -> None:
    return None


def _http_url(text: str) -> str | None:
    problem = "is not an http or https URL"
    if not text.isprintable() or " " in text:
        return f"{problem}: it contains a space or an invisible character"
    try:
        checked_http_url(text.partition("#")[0])
    except ValueError:
        return problem
    return None


def _e164(text: str) -> str | None:
    return None if is_e164(text) else "is not a phone number in E.164, such as +254700123456"


def _language_code(text: str) -> str | None:
    problem = "is not a language code, such as en or en_US"
    try:
        language_tag(text)
    except ValueError:
        return problem
    # a tag may have spaces around it, and a provider looks up the code as it is
    return problem if text != text.strip() else None


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for a part of some kind."""

    limit: int
    """Characters of the rendered part."""
    form: Form = _any_form
    begins: tuple[str, ...] = ()
    """What the part must begin with, in small letters; empty where it may begin with anything."""
    variables: int | None = None
    """How many variables its template may have; None for any number. A condition is a variable."""
    variable_at_end: bool = False
    """Whether nothing may follow the variable."""

    def problem_of(self, text: str) -> str | None:
        """What is wrong with a rendered part; None if nothing is."""
        if is_blank(text):
            return "is empty"
        return self.too_long(len(text)) or self.form(text)

    def too_long(self, length: int) -> str | None:
        """The problem of a part of some length, in characters; None if it is within the limit."""
        return f"has {length} characters, and the limit is {self.limit}" if length > self.limit else None


_WEB: Final = ("http://", "https://")

BODY: Final = Rule(1024)
HEADER_TEXT: Final = Rule(60, variables=1)
FOOTER: Final = Rule(60, variables=0)
MEDIA_URL: Final = Rule(2000, _http_url, _WEB)
FILENAME: Final = Rule(255)
"""The longest name that file systems store. WhatsApp names no limit."""
BUTTON_TEXT: Final = Rule(25)
BUTTON_PAYLOAD: Final = Rule(256)
BUTTON_URL: Final = Rule(2000, _http_url, _WEB, variables=1, variable_at_end=True)
BUTTON_PHONE: Final = Rule(16, _e164)
TEMPLATE_NAME: Final = Rule(512)
TEMPLATE_LANGUAGE: Final = Rule(35, _language_code)
HEADER_PARAMETER: Final = Rule(60)
BODY_PARAMETER: Final = Rule(1024)
BUTTON_PARAMETERS: Final = {
    ParameterType.REPLY: BUTTON_PAYLOAD,
    ParameterType.URL: Rule(2000),
    ParameterType.COPY_CODE: Rule(15),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of rich content that is a template."""

    path: Path
    template: str
    rule: Rule
    left_out: Path | None = None
    """What is not sent to a recipient for whom the part is empty; None if the part is required."""

    @property
    def name(self) -> str:
        """Its path in a campaign: `content.buttons.0.url`."""
        return ".".join(["content", *map(str, self.path)])


def parts_of(content: RichContent) -> Iterator[Part]:
    """All parts that are templates, in the order of a message."""
    if content.header is not None:
        yield from _header_parts(("header",), content.header)
    if content.footer is not None:
        yield Part(("footer",), content.footer, FOOTER)
    for number, button in enumerate(content.buttons):
        yield from _button_parts(("buttons", number), button)
    if content.template is not None:
        yield from _template_parts(content.template)


def texts(content: RichContent) -> Iterator[tuple[str, str]]:
    """The path of each part, as errors name it, and its template."""
    return ((part.name, part.template) for part in parts_of(content))


def _header_parts(
    path: Path, header: ContentHeader, text: Rule = HEADER_TEXT, left_out: Path | None = ("header",)
) -> Iterator[Part]:
    if header.type is HeaderType.TEXT:
        yield Part((*path, "text"), header.text or "", text, left_out)
        return
    yield Part((*path, "url"), header.url or "", MEDIA_URL)
    if header.filename is not None:
        yield Part((*path, "filename"), header.filename, FILENAME, (*path, "filename"))


def _button_parts(path: Path, button: ContentButton) -> Iterator[Part]:
    yield Part((*path, "text"), button.text or "", BUTTON_TEXT)
    match button.type:
        case ButtonType.URL:
            yield Part((*path, "url"), button.url or "", BUTTON_URL)
        case ButtonType.CALL:
            yield Part((*path, "phone"), button.phone or "", BUTTON_PHONE)
        case ButtonType.REPLY if button.payload is not None:
            yield Part((*path, "payload"), button.payload, BUTTON_PAYLOAD, (*path, "payload"))


def _template_parts(template: ApprovedTemplate) -> Iterator[Part]:
    yield Part(("template", "name"), template.name, TEMPLATE_NAME)
    yield Part(("template", "language"), template.language, TEMPLATE_LANGUAGE)
    if template.header is not None:
        yield from _header_parts(("template", "header"), template.header, HEADER_PARAMETER, None)
    for number, parameter in enumerate(template.body):
        yield Part(("template", "body", number), parameter, BODY_PARAMETER)
    for number, button in enumerate(template.buttons):
        yield Part(("template", "buttons", number, "value"), button.value, BUTTON_PARAMETERS[button.type])
