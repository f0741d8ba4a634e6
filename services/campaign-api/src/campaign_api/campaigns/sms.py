"""What a text takes as an SMS, in answers."""

from collections.abc import Collection

from pydantic import BaseModel, Field

from leopard.domain.sms_segments import SmsEncoding, sms_segments
from leopard.templates.language import TemplateError, known_names, parse_template
from leopard.templates.rendering import parse_template as parse_plain_template


class SmsSize(BaseModel):
    """What a text takes as an SMS (3GPP 23.038)."""

    encoding: SmsEncoding = Field(description="`gsm7`, or `ucs2` where a character is not in the GSM alphabet")
    units: int = Field(description="Septets in GSM-7, UTF-16 units in UCS-2", examples=[161])
    segments: int = Field(description="Number of SMS segments, each of which is paid", examples=[2])


def sms_size_of(text: str) -> SmsSize:
    """What a rendered text takes."""
    found = sms_segments(text)
    return SmsSize(encoding=found.encoding, units=found.units, segments=found.segments)


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
