"""How many segments a text needs as SMS: GSM 03.38 where every character is in that alphabet, otherwise UCS-2.

Sources: 3GPP TS 23.038, section 6.2.1 (alphabet and extension table); 3GPP TS 23.040, section 9.2.3.24.1
(concatenation: its header takes 7 septets or 3 UCS-2 units of each segment).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class SmsEncoding(StrEnum):
    """The encoding of an SMS."""

    GSM7 = "gsm7"
    """Seven bits for a character. Characters of the extension table take two units: an escape and their code."""
    UCS2 = "ucs2"
    """Sixteen bits for a character. Characters beyond U+FFFF, such as most emoji, take two units."""


@dataclass(frozen=True, slots=True)
class SmsSegments:
    """What an SMS with a text needs."""

    encoding: SmsEncoding
    units: int
    """Septets in GSM 03.38, UTF-16 units in UCS-2; without headers."""
    segments: int


GSM7_ALPHABET: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The default alphabet, without its escape code. Of the two c with cedilla it has only the capital one."""

GSM7_EXTENSION: Final = frozenset("\f^{}\\[~]|€")
"""The extension table. Each of its characters takes two units, which stay in the same segment."""

_GSM7: Final = GSM7_ALPHABET | GSM7_EXTENSION

_SINGLE: Final = {SmsEncoding.GSM7: 160, SmsEncoding.UCS2: 70}
_CONCATENATED: Final = {SmsEncoding.GSM7: 153, SmsEncoding.UCS2: 67}


def sms_segments(text: str) -> SmsSegments:
    """Count the segments of a text. An empty text takes one.

    A character of two units that would cross the end of a segment moves to the next one. So a text can take more
    segments than its units divided by the size of a segment.
    """
    characters = set(text)
    encoding = SmsEncoding.GSM7 if characters <= _GSM7 else SmsEncoding.UCS2
    units = len(text) + _doubles(text, characters, encoding)
    if units <= _SINGLE[encoding]:
        return SmsSegments(encoding, units, 1)
    size = _CONCATENATED[encoding]
    if units == len(text):
        return SmsSegments(encoding, units, -(-units // size))
    return SmsSegments(encoding, units, _filled((1 + _is_double(character, encoding) for character in text), size))


def ucs2_characters(text: str) -> dict[str, list[int]]:
    """The characters that force UCS-2, in the order of the text, each with its positions, counted from 0."""
    found: dict[str, list[int]] = {}
    for position, character in enumerate(text):
        if character not in _GSM7:
            found.setdefault(character, []).append(position)
    return found


def _doubles(text: str, characters: set[str], encoding: SmsEncoding) -> int:
    """How many characters of a text take two units."""
    if encoding is SmsEncoding.GSM7:
        return sum(map(text.count, characters & GSM7_EXTENSION))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2 - len(text)


def _is_double(character: str, encoding: SmsEncoding) -> bool:
    return character in GSM7_EXTENSION if encoding is SmsEncoding.GSM7 else character > "\uffff"


def _filled(widths: Iterable[int], size: int) -> int:
    segments, used = 1, 0
    for width in widths:
        if used + width > size:
            segments, used = segments + 1, 0
        used += width
    return segments
