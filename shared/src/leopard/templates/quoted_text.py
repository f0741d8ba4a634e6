r"""Quoted texts: `"..."`, in which `\"` is a quote and `\\` a backslash. Another backslash stands for itself."""

import re
from typing import Final

QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
"""A quoted text; its group is what stands between the quotes. Takes linear time."""

CURLY_QUOTES: Final = "“”„‟«»"
"""Quotes that word processors write in place of straight ones."""

_ESCAPED: Final = re.compile(r'\\(["\\])')


def unquote(inner: str) -> str:
    """The text of what stands between quotes."""
    return _ESCAPED.sub(r"\1", inner)


def quote(text: str) -> str:
    """A text in quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
