"""Chooses the template of a recipient's language."""

from collections.abc import Mapping


def best_language(preferred: str | None, available: Mapping[str, object]) -> str | None:
    """The language of `available` that is best for a recipient; None if none fits.

    Subtags are removed from the end until a language is found: `zh-Hant-TW`, `zh-Hant`, `zh` (lookup, RFC 4647,
    section 3.4). Capital and small letters are the same.

    Args:
        preferred: The language tag of the recipient.
        available: The templates by their language tags.
    """
    if preferred is None or not available:
        return None
    if preferred in available:
        return preferred
    spelled = {language.lower(): language for language in available}
    subtags = preferred.lower().split("-")
    while subtags:
        if (found := spelled.get("-".join(subtags))) is not None:
            return found
        subtags.pop()
        # a single letter only introduces the subtags after it
        if subtags and len(subtags[-1]) == 1:
            subtags.pop()
    return None
