"""Renders rich content for one recipient: the structure that a provider gets as JSON.

docs/whatsapp.md describes the structure.
"""

from collections.abc import Callable
from typing import Any

from leopard.domain.blank_text import is_blank
from leopard.personalization.content import RichContent
from leopard.personalization.content_parts import BODY, ContentError, Path, parts_of
from leopard.templates.problems import TemplateError


def render_content(content: RichContent, text: str, render: Callable[[str], str]) -> dict[str, Any]:
    """The content of one recipient's message: the parts of `RichContent`, rendered, with the text under `body`.

    With an approved template there is no `body`: its text is at the provider.

    Args:
        content: The content of the campaign.
        text: The rendered text of the message.
        render: Renders a template for the recipient.

    Raises:
        ContentError: A part does not parse, breaks its limit, or is empty although it is required.
    """
    structure = content.stored()
    if content.template is None:
        if (problem := BODY.problem_of(text)) is not None:
            raise ContentError("content.body", problem)
        structure["body"] = text
    for part in parts_of(content):
        try:
            rendered = render(part.template)
        except TemplateError as error:
            raise ContentError(part.name, f"does not parse: {error}") from None
        if part.left_out is not None and is_blank(rendered):
            del _holder(structure, part.left_out)[part.left_out[-1]]
            continue
        if (problem := part.rule.problem_of(rendered)) is not None:
            raise ContentError(part.name, problem)
        _holder(structure, part.path)[part.path[-1]] = rendered
    return structure


def _holder(structure: dict[str, Any], path: Path) -> Any:  # noqa: ANN401 a dictionary or a list of JSON
    """What holds the part at a path."""
    holder: Any = structure
    for name in path[:-1]:
        holder = holder[name]
    return holder
