"""Detects blank texts: empty, or only spaces and invisible characters."""

import unicodedata
from typing import Final

_SHOWS_NOTHING: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
"""Unicode categories: control characters, format characters (zero width, direction), separators."""

_VISIBLE_FORMAT: Final = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
"""Visible signs around Arabic, Syriac and Kaithi numbers. Unicode classifies them as format characters."""

# Unicode's Default_Ignorable_Code_Point outside the categories above, and letters and symbols that look blank.
_INVISIBLE_RANGES: Final = (
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors
    (0x2065, 0x2065),  # reserved beside the direction marks
    (0x2800, 0x2800),  # Braille pattern without a dot
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler
    (0xFFF0, 0xFFF8),  # reserved for invisible characters
    (0x16FE4, 0x16FE4),  # Khitan small script filler
    (0x1D159, 0x1D159),  # musical null notehead
    (0xE0000, 0xE0FFF),  # tags, and more variation selectors
)


def is_blank(text: str) -> bool:
    """Whether `text` is empty or contains only spaces and invisible characters."""
    return all(_is_invisible(character) for character in text)


def _is_invisible(character: str) -> bool:
    if unicodedata.category(character) in _SHOWS_NOTHING:
        return character not in _VISIBLE_FORMAT
    code = ord(character)
    return any(first <= code <= last for first, last in _INVISIBLE_RANGES)
