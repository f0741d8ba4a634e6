"""The personalization of a campaign as it is stored: what its messages have beside `base_template`."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leopard.personalization.content import RichContent
from leopard.personalization.shares import bounds_of


class PersonalizationError(ValueError):
    """A stored personalization has a form that this version does not know."""


class Variant(BaseModel):
    """One of several texts, each of which a part of the recipients gets."""

    model_config = ConfigDict(frozen=True)

    name: str
    weight: int = Field(ge=1)
    base_template: str
    templates: dict[str, str] = {}
    """Templates by their language tags."""


class Personalization(BaseModel):
    """What the messages of a campaign have beside `base_template`."""

    model_config = ConfigDict(frozen=True)

    attributes: list[str] = []
    """The attributes that placeholders may name without `attributes.`: those that were known when it was accepted."""
    templates: dict[str, str] = {}
    """Templates by their language tags."""
    variants: list[Variant] = []
    content: RichContent | None = None

    @property
    def variant_bounds(self) -> list[float] | None:
        """Where the share of each variant begins; null where there are no variants."""
        return bounds_of([variant.weight for variant in self.variants]) if self.variants else None

    def stored(self) -> dict[str, Any]:
        """The JSON that is stored with a campaign."""
        return self.model_dump(mode="json", exclude_defaults=True)


def read_personalization(stored: Mapping[str, Any] | str) -> Personalization:
    """The personalization of a stored campaign.

    Args:
        stored: What is stored, or the text of its JSON. Only the text can hold any form: Python reads no number of
            thousands of digits, and nothing that is nested thousands of times.

    Raises:
        PersonalizationError: This version does not know its form.
    """
    try:
        return Personalization.model_validate(json.loads(stored) if isinstance(stored, str) else stored)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise PersonalizationError(f"{where} {problem['msg']}".strip()) from None
    except (ValueError, RecursionError) as error:
        raise PersonalizationError(f"its JSON cannot be read: {type(error).__name__}") from None
