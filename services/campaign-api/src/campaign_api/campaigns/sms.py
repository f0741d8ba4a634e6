"""What a text takes as an SMS, in answers."""

import unicodedata
from collections.abc import Collection
from itertools import islice
from typing import Final

from pydantic import BaseModel, Field

from leopard.domain.sms_segments import SmsEncoding, sms_segments, ucs2_characters
from leopard.templates.language import TemplateError, known_names, parse_template
from leopard.templates.problems import Problem, problem_at
from leopard.templates.rendering import parse_template as parse_plain_template

MOST_CHARACTERS: Final = 20
"""So many different characters are named."""


class SmsSize(BaseModel):
    """What a text takes as an SMS (3GPP 23.038)."""

    encoding: SmsEncoding = Field(description="`gsm7`, or `ucs2` where a character is not in the GSM alphabet")
    units: int = Field(description="Septets in GSM-7, UTF-16 units in UCS-2", examples=[161])
    segments: int = Field(description="Number of SMS segments, each of which is paid", examples=[2])


def sms_size_of(text: str) -> SmsSize:
    """What a rendered text takes."""
    found = sms_segments(text)
    return SmsSize(encoding=found.encoding, units=found.units, segments=found.segments)


def sms_warnings(size: SmsSize) -> list[str]:
    """A warning if a text takes several segments."""
    if size.segments == 1:
        return []
    return [f"The text takes {size.segments} SMS segments ({size.units} units in {size.encoding})"]


def ucs2_problems(text: str) -> list[Problem]:
    """The characters of a text that force UCS-2, each with the place where it stands first."""
    return [
        problem_at(f"{_named(character)} forces UCS-2: a segment holds 70 characters, not 160{_repeated(positions)}",
                   text, positions[0])
        for character, positions in islice(ucs2_characters(text).items(), MOST_CHARACTERS)
    ]  # fmt: skip


def _named(character: str) -> str:
    name = unicodedata.name(character, "")
    return f"{character!r} (U+{ord(character):04X}{' ' if name else ''}{name})"


def _repeated(positions: list[int]) -> str:
    return f"; it stands here {len(positions)} times" if len(positions) > 1 else ""


def sms_size(template: str, attributes: Collection[str] | None) -> SmsSize | None:
    """What a stored template takes where all placeholders are empty; None if it does not parse.

    Args:
        template: The template.
        attributes: The attributes that were known when it was accepted; None for the first version of the language.
    """
    try:
        if attributes is None:
            return sms_size_of(parse_plain_template(template).render({}))
        return sms_size_of(parse_template(template, known_names(attributes)).render({}))
    except TemplateError:
        return None
