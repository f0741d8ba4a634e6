"""Languages, variants and the hold-out of campaigns in requests."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from campaign_api.web.field_types import Name, RequestModel, TemplateText
from leopard.domain.languages import language_tag

MOST_LANGUAGES: Final = 100
MOST_VARIANTS: Final = 20
MOST_HELD_OUT_PERCENT: Final = 90


def _by_tag(templates: dict[str, str]) -> dict[str, str]:
    """The templates by their tags in the recommended spelling."""
    spelled: dict[str, str] = {}
    for language, template in templates.items():
        try:
            tag = language_tag(language)
        except ValueError:
            msg = f"{language[:40]!r} is no language tag such as en or sw-KE"
            raise ValueError(msg) from None
        if tag in spelled:
            msg = f"two templates have the language {tag}"
            raise ValueError(msg)
        spelled[tag] = template
    return spelled


Templates = Annotated[dict[str, TemplateText], Field(max_length=MOST_LANGUAGES), AfterValidator(_by_tag)]

TEMPLATES: Final = (
    "Templates by language tag (BCP 47). A recipient gets that of `preferred_language`, or of its beginning"
    " (`en-KE`, then `en`), or `base_template`"
)
TEMPLATES_EXAMPLE: Final = {"sw": "Habari {first_name}!"}


class Variant(RequestModel):
    """One of several texts, each of which a part of the recipients gets."""

    name: Name = Field(description="Name of the variant, in stats", examples=["a"])
    weight: int = Field(
        default=1, ge=1, le=1_000_000, strict=True, description="Its share of the sum of all weights", examples=[50]
    )
    base_template: TemplateText = Field(description="Text of its messages", examples=["Hi {first_name}!"])
    templates: Templates = Field(default={}, description=TEMPLATES, examples=[TEMPLATES_EXAMPLE])


def _different_names(variants: list[Variant]) -> list[Variant]:
    names = [variant.name for variant in variants]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        msg = f"two variants have the name {repeated}"
        raise ValueError(msg)
    return variants


Variants = Annotated[list[Variant], Field(max_length=MOST_VARIANTS), AfterValidator(_different_names)]

VARIANTS: Final = (
    "Texts that are compared with each other (A/B test). Each recipient gets one of them, always the same;"
    " `base_template` and `templates` are then not used"
)
VARIANTS_EXAMPLE: Final[list[dict[str, Any]]] = [
    {"name": "a", "weight": 50, "base_template": "Hi {first_name}!"},
    {"name": "b", "weight": 50, "base_template": "Hello {first_name}!"},
]

HoldoutPercent = Annotated[float, Field(ge=0, le=MOST_HELD_OUT_PERCENT, strict=True, allow_inf_nan=False)]

HOLDOUT: Final = "Percentage of the audience that gets no message, to compare with; `stats.held_out` counts it"
