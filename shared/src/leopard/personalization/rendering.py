"""Renders the message of a recipient: chooses the variant and the language, and fills in the template.

The preview, the dry run and the worker all render here, so all give the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from leopard.personalization.content_parts import parts_of
from leopard.personalization.languages import best_language
from leopard.personalization.local_times import local_time
from leopard.personalization.model import Personalization, Variant, read_personalization
from leopard.personalization.rendered_content import render_content
from leopard.templates.field_names import FIELDS
from leopard.templates.language import known_names, parse_template
from leopard.templates.rendering import parse_template as parse_plain_template


class Recipient(Protocol):
    """A customer's data. Every field except the phone may be missing."""

    @property
    def phone(self) -> str:
        """The phone number in E.164."""
        ...

    @property
    def first_name(self) -> str | None:
        """The given name."""
        ...

    @property
    def last_name(self) -> str | None:
        """The family name."""
        ...

    @property
    def location(self) -> str | None:
        """The recipient's location."""
        ...

    @property
    def preferred_product(self) -> str | None:
        """The recipient's preferred product."""
        ...

    @property
    def preferred_language(self) -> str | None:
        """A language tag (BCP 47)."""
        ...

    @property
    def time_zone(self) -> str | None:
        """The name of a time zone (IANA)."""
        ...

    @property
    def created_at(self) -> datetime | None:
        """When the customer was created."""
        ...

    @property
    def attributes(self) -> Mapping[str, Any] | None:
        """Further fields."""
        ...


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message for one recipient."""

    text: str
    language: str | None = None
    """The language of the template that was chosen; None for `base_template`."""
    content: dict[str, Any] | None = None
    """Rich content as a provider gets it; None where the message is only text."""
    template: str = ""
    """The template that was chosen."""


class MessageTemplates:
    """All texts of a campaign.

    The template that a recipient gets is parsed when it is first needed: one that does not parse harms only the
    messages that use it.
    """

    def __init__(self, base_template: str, personalization: Personalization | None = None) -> None:
        """Take the texts of a campaign.

        Args:
            base_template: The text for recipients without a template of their own.
            personalization: Everything else; None for a campaign of the first version of the language, in which all
                but plain placeholders is text.
        """
        self.base_template = base_template
        self.personalization = personalization
        self._known = known_names(personalization.attributes) if personalization else frozenset()

    @classmethod
    def stored(cls, base_template: str, personalization: Mapping[str, Any] | str | None) -> "MessageTemplates":
        """The texts of a stored campaign.

        Args:
            base_template: The text for recipients without a template of their own.
            personalization: What is stored beside it, or the text of its JSON, as `read_personalization` takes it.

        Raises:
            PersonalizationError: This version does not know the form of the personalization.
        """
        return cls(base_template, None if personalization is None else read_personalization(personalization))

    @property
    def attributes(self) -> Sequence[str] | None:
        """The attributes that placeholders may name; None for a campaign of the first version of the language."""
        return None if self.personalization is None else self.personalization.attributes

    def texts(self) -> list[str]:
        """All templates that recipients may get, and those of the parts of rich content."""
        if self.personalization is None:
            return [self.base_template]
        content = self.personalization.content
        parts = [] if content is None else [part.template for part in parts_of(content)]
        if not self.variants:
            return [self.base_template, *self.personalization.templates.values(), *parts]
        texts = [text for variant in self.variants for text in (variant.base_template, *variant.templates.values())]
        return texts + parts

    def check(self) -> None:
        """Parse all templates.

        Raises:
            TemplateError: One does not parse.
        """
        for text in self.texts():
            if self.personalization is None:
                parse_plain_template(text)
            else:
                parse_template(text, self._known)

    @cached_property
    def _names_attributes(self) -> bool:
        """Whether a text may show an attribute. A worker reads them only then, because that takes its time."""
        return bool(self.attributes) or any("attributes." in text for text in self.texts())

    @cached_property
    def _names_created_at(self) -> bool:
        return any("created_at" in text for text in self.texts())

    @property
    def variants(self) -> Sequence[Variant]:
        """The variants; empty where all recipients get the same texts."""
        return self.personalization.variants if self.personalization else ()

    @cached_property
    def variant_bounds(self) -> list[float] | None:
        """Where the share of each variant begins; None where there are no variants."""
        return self.personalization.variant_bounds if self.personalization else None

    def render(self, recipient: Recipient, variant: int | None = None, language: str | None = None) -> RenderedMessage:
        """Render the message of a recipient.

        Args:
            recipient: The customer.
            variant: The number of the variant, from 1; None where there are no variants.
            language: The language to use instead of the recipient's.

        Raises:
            TemplateError: The template does not parse.
            ContentError: A part of the rich content cannot be sent as rendered.
        """
        rendered = self.render_text(recipient, variant, language)
        content = self.personalization.content if self.personalization else None
        if content is None:
            return rendered
        values, wanted = self._values(recipient), language or recipient.preferred_language
        return replace(
            rendered,
            content=render_content(
                content, rendered.text, lambda part: parse_template(part, self._known).render(values, wanted)
            ),
        )

    def render_text(
        self, recipient: Recipient, variant: int | None = None, language: str | None = None
    ) -> RenderedMessage:
        """Render the text of a recipient's message, without rich content.

        Args:
            recipient: The customer.
            variant: The number of the variant, from 1; None where there are no variants.
            language: The language to use instead of the recipient's.

        Raises:
            TemplateError: The template does not parse.
        """
        if self.personalization is None:
            values = {name: getattr(recipient, name) for name in FIELDS}
            text = parse_plain_template(self.base_template).render(values)
            return RenderedMessage(text, template=self.base_template)
        base, templates = self._texts(variant)
        wanted = language or recipient.preferred_language
        chosen = best_language(wanted, templates)
        template = base if chosen is None else templates[chosen]
        compiled = parse_template(template, self._known)
        return RenderedMessage(compiled.render(self._values(recipient), wanted), chosen, None, template)

    def _texts(self, variant: int | None) -> tuple[str, Mapping[str, str]]:
        assert self.personalization is not None  # noqa: S101 the caller has checked
        if variant is not None and 1 <= variant <= len(self.variants):
            chosen = self.variants[variant - 1]
            return chosen.base_template, chosen.templates
        return self.base_template, self.personalization.templates

    def _values(self, recipient: Recipient) -> dict[str, Any]:
        return {
            "phone": recipient.phone,
            "first_name": recipient.first_name,
            "last_name": recipient.last_name,
            "location": recipient.location,
            "preferred_product": recipient.preferred_product,
            "preferred_language": recipient.preferred_language,
            "time_zone": recipient.time_zone,
            "created_at": local_time(recipient.created_at, recipient.time_zone) if self._names_created_at else None,
            "attributes": recipient.attributes if self._names_attributes else None,
        }
