"""Checks the texts of campaigns before they are stored, and warns of what they may not mean."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from campaign_api.campaigns.content import answering_content_problems
from campaign_api.web.errors import MOST_DETAILS, ApiError, ErrorCode
from leopard.db.attribute_types import known_types
from leopard.db.pool import Connection
from leopard.domain.customer_fields import COLUMNS, FieldType
from leopard.personalization.content import RichContent
from leopard.personalization.content_checks import check_content
from leopard.personalization.content_parts import texts as content_texts
from leopard.personalization.model import Personalization, Variant
from leopard.templates.checks import shows_something, used_fields
from leopard.templates.language import Template, TemplateError, has_new_constructs, known_names, parse_template
from leopard.templates.problems import nearest_name
from leopard.templates.rendering import parse_template as parse_plain_template

MOST_CHARACTERS: Final = 100_000
"""Characters that all texts of a campaign may have together: each answer that shows the campaign parses them."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class CampaignTexts:
    """All texts of a campaign, as a client gives them."""

    base_template: str
    templates: Mapping[str, str]
    variants: tuple[Variant, ...]
    content: RichContent | None = None

    def by_field(self) -> Iterator[tuple[str, str]]:
        """Each text, and each part of the content, with the name of its field in a request."""
        yield from self.bodies()
        if self.content is not None:
            yield from content_texts(self.content)

    def bodies(self) -> Iterator[tuple[str, str]]:
        """Each text with the name of its field in a request."""
        yield "base_template", self.base_template
        for language, template in self.templates.items():
            yield f"templates.{language}", template
        for index, variant in enumerate(self.variants):
            yield f"variants.{index}.base_template", variant.base_template
            for language, template in variant.templates.items():
                yield f"variants.{index}.templates.{language}", template


@dataclass(frozen=True, slots=True)
class AcceptedTexts:
    """Texts that were checked, as they are stored."""

    base_template: str
    personalization: Personalization | None
    """Null where the first version of the language has all that the texts use."""

    @property
    def variant_bounds(self) -> list[float] | None:
        """Where the share of each variant begins; null where there are none."""
        return self.personalization.variant_bounds if self.personalization else None


async def accept_texts(connection: Connection, texts: CampaignTexts) -> AcceptedTexts:
    """Check the texts of a campaign. The attributes that are known now stay placeholders.

    Raises:
        ApiError: INVALID_TEMPLATE, and where a text goes wrong; INVALID_REQUEST where the content breaks a limit, or
            all texts together are too long.
    """
    _refuse_too_many_characters(texts)
    attributes = frozenset(await known_attribute_types(connection, (text for _, text in texts.by_field())))
    known = known_names(attributes)
    parsed = _parse_all(texts, known)
    if texts.content is not None:
        with answering_content_problems():
            check_content(texts.content, known, dict(texts.bodies()))
    if not (texts.templates or texts.variants or texts.content or any(map(has_new_constructs, parsed))):
        return AcceptedTexts(texts.base_template, None)
    used = {name for template in parsed for name in used_fields(template.tree)}
    personalization = Personalization(
        attributes=sorted((used & attributes) - COLUMNS.keys()),
        templates=dict(texts.templates),
        variants=list(texts.variants),
        content=texts.content,
    )
    return AcceptedTexts(texts.base_template, personalization)


async def known_attribute_types(connection: Connection, texts: Iterable[str]) -> dict[str, FieldType]:
    """The attributes that are known now, with their types, of all names that stand in these texts."""
    return await known_types(connection, {name for text in texts for name in _NAME.findall(text)})


def _refuse_too_many_characters(texts: CampaignTexts) -> None:
    characters = sum(len(text) for _, text in texts.by_field())
    if characters > MOST_CHARACTERS:
        raise ApiError(
            ErrorCode.INVALID_REQUEST,
            f"The texts of the campaign have {characters} characters together, and the limit is {MOST_CHARACTERS}",
        )


def _parse_all(texts: CampaignTexts, known: frozenset[str]) -> list[Template]:
    """Parse all texts.

    Raises:
        ApiError: INVALID_TEMPLATE: the first problem, with the places of all.
    """
    parsed, problems = [], []
    for field, text in texts.by_field():
        try:
            parsed.append(check_template(text, known, field))
        except ApiError as error:
            problems.append(error)
    if problems:
        details = [detail for error in problems for detail in error.details]
        raise ApiError(problems[0].code, problems[0].message, details[:MOST_DETAILS])
    return parsed


def check_template(text: str, known: frozenset[str], field: str = "base_template") -> Template:
    """Parse a template.

    Raises:
        ApiError: INVALID_TEMPLATE, and where it goes wrong.
    """
    try:
        template = parse_template(text, known)
    except TemplateError as error:
        raise invalid_template(error, field) from None
    if not shows_something(template.tree):
        raise ApiError(
            ErrorCode.INVALID_TEMPLATE,
            "The template can never show anything",
            [{"field": field, "message": "it holds no visible character and no placeholder"}],
        )
    return template


def invalid_template(error: TemplateError, field: str = "base_template") -> ApiError:
    """The error for a template that does not parse, with a picture of the place."""
    detail: dict[str, Any] = {
        "field": field,
        "message": error.problem.message,
        "line": error.line,
        "column": error.column,
        "picture": error.picture,
    }
    if error.nearest:
        detail["nearest"] = error.nearest
    where = "" if field == "base_template" else f" {field}"
    return ApiError(ErrorCode.INVALID_TEMPLATE, f"The template{where} does not parse: {error}", [detail])


def template_warnings(text: str, attributes: Collection[str] | None) -> list[str]:
    """Warnings about a stored template: unknown placeholders, or that this version cannot parse it.

    Args:
        text: The template.
        attributes: The attributes that were known when it was accepted; None for the first version of the language.
    """
    try:
        if attributes is None:
            unknown: Iterable[str] = parse_plain_template(text).unknown
        else:
            unknown = parse_template(text, known_names(attributes)).unknown
    except TemplateError as error:
        return [f"The template does not parse in this version: {error}"]
    return [_unknown_placeholder(written, attributes or ()) for written in unknown]


def _unknown_placeholder(written: str, attributes: Collection[str]) -> str:
    nearest = nearest_name(written.split("|", 1)[0].strip(), {*COLUMNS, *attributes})
    hint = f"; did you mean {{{nearest}}}?" if nearest else ""
    return f"Unknown placeholder {{{written}}}{hint}"


def stored_variants(variants: Iterable[BaseModel]) -> tuple[Variant, ...]:
    """Variants of a request, as they are stored."""
    return tuple(Variant.model_validate(variant.model_dump()) for variant in variants)
