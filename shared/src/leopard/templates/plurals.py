"""Plurals of English nouns: the regular classes, and a few irregular nouns.

A name of several words changes in its last word. A noun that already looks plural stays.
"""

import re
from collections.abc import Callable, Mapping
from string import ascii_letters
from typing import Final

_IRREGULAR: Final[Mapping[str, str]] = {
    "child": "children",
    "foot": "feet",
    "goose": "geese",
    "man": "men",
    "mouse": "mice",
    "person": "people",
    "quiz": "quizzes",
    "tooth": "teeth",
    "woman": "women",
}

_SAME_IN_PLURAL: Final = frozenset({*_IRREGULAR.values(), "fish", "news", "series", "sheep", "species"})

_SINGULAR_IN_S: Final = frozenset(
    {"alias", "atlas", "bias", "canvas", "christmas", "cosmos", "gas", "lens", "pancreas"}
)
"""Nouns that end like a plural and are none."""

_PLURAL_IN_US_OR_IS: Final = frozenset({"bikinis", "emus", "gurus", "khakis", "kiwis", "menus", "skis", "taxis"})

_VES: Final = (
    *("calf", "dwarf", "elf", "half", "hoof", "leaf", "loaf", "scarf", "sheaf", "thief", "wharf", "wolf"),
    *("knife", "life", "wife"),
)
"""Nouns, also at the end of longer ones, whose -f or -fe becomes -ves. Others take -s: roofs, chiefs, cafes."""

_HARD_CH: Final = ("stomach", "monarch", "epoch", "tech", "loch", "patriarch")
"""Nouns whose -ch sounds like k and takes -s."""

_OES: Final = ("echo", "embargo", "hero", "potato", "tomato", "torpedo", "veto")

_RULES: Final[tuple[tuple[Callable[[str], bool], int, str], ...]] = (
    (lambda noun: noun.endswith(_HARD_CH), 0, "s"),
    (lambda noun: noun.endswith(("s", "x", "z", "ch", "sh")), 0, "es"),
    (lambda noun: re.search(r"([^aeiou]|qu)y\Z", noun) is not None, 1, "ies"),
    (lambda noun: noun.endswith(_VES), 1, "ves"),
    (lambda noun: noun.endswith(_OES), 0, "es"),
)
"""Whether a rule fits a noun, how many letters it drops, and what it adds."""


def pluralize(text: str) -> str:
    """The plural of an English noun: `box` is `boxes`, `Running Shoe` is `Running Shoes`."""
    before = text.rstrip(ascii_letters)
    noun = text[len(before) :]
    if not noun:
        return text
    plural = _plural(noun.lower())
    if noun.isupper() and len(noun) > 1:
        plural = plural.upper()
    # letters that the plural shares with the noun keep their case
    shared = next((i for i, (a, b) in enumerate(zip(noun.lower(), plural.lower(), strict=False)) if a != b), len(noun))
    return before + noun[:shared] + plural[shared:]


def _plural(noun: str) -> str:
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun in _SAME_IN_PLURAL or _looks_plural(noun):
        return noun
    for fits, dropped, added in _RULES:
        if fits(noun):
            stem = noun[: len(noun) - dropped]
            # knife loses -fe, leaf loses -f
            return (stem[:-1] if added == "ves" and noun.endswith("fe") else stem) + added
    return noun + "s"


def _looks_plural(noun: str) -> bool:
    if noun in _PLURAL_IN_US_OR_IS:
        return True
    return noun.endswith("s") and not noun.endswith(("ss", "us", "is")) and noun not in _SINGULAR_IN_S
