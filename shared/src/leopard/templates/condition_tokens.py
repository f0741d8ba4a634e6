"""Splits conditions into tokens: `points > 100 and not vip`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from leopard.domain.customer_fields import is_date
from leopard.templates.problems import TemplateError
from leopard.templates.quoted_text import CURLY_QUOTES, QUOTED, unquote
from leopard.templates.tree import Operator, Scalar


class TokenKind(StrEnum):
    """The kinds of tokens."""

    NAME = "name"
    CONSTANT = "constant"
    OPERATOR = "operator"
    KEYWORD = "keyword"
    OPEN = "("
    CLOSE = ")"
    END = "}}"


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and where it starts and ends in the template."""

    kind: TokenKind
    value: Scalar
    start: int
    end: int


_WORDS: Final[Mapping[str, tuple[TokenKind, Scalar]]] = {
    "and": (TokenKind.KEYWORD, "and"),
    "or": (TokenKind.KEYWORD, "or"),
    "not": (TokenKind.KEYWORD, "not"),
    "true": (TokenKind.CONSTANT, True),
    "false": (TokenKind.CONSTANT, False),
}
"""Words that are no names of fields."""

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<end>\}\})
      | (?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}(?![\w-]))
      | (?P<number>-?[0-9]{1,15}(?P<decimals>\.[0-9]{1,9})?(?![\w.-]))
      | (?P<name>[^\W\d]\w*(?:\.\w+)?)
      | (?P<operator>==|!=|<=|>=|<|>)
      | (?P<bracket>[()])
    )""",
    re.VERBOSE,
)
_SPACE: Final = re.compile(r"\s*")

_MEANT: Final = {"=": "==", "&&": "and", "||": "or", "!": "not"}
"""What other languages write, and what it is here."""


def next_token(text: str, position: int) -> Token:
    """The token at a position, after spaces.

    Raises:
        TemplateError: No token starts there.
    """
    found = _TOKEN.match(text, position)
    if found is None:
        return _quoted_text(text, position)
    kind = found.lastgroup if found["number"] is None else "number"
    written = found[kind or 0]
    start, end = found.end() - len(written), found.end()
    value: Scalar
    match kind:
        case "end" | "bracket":
            token, value = TokenKind(written), written
        case "date":
            if not is_date(written):
                raise TemplateError(f"{written} is not a day of the calendar", text, start)
            token, value = TokenKind.CONSTANT, date.fromisoformat(written)
        case "number":
            token, value = TokenKind.CONSTANT, float(written) if found["decimals"] else int(written)
        case "operator":
            token, value = TokenKind.OPERATOR, Operator(written)
        case _:
            token, value = _WORDS.get(written, (TokenKind.NAME, written))
    return Token(token, value, start, end)


def _quoted_text(text: str, position: int) -> Token:
    space = _SPACE.match(text, position)
    start = space.end() if space else position
    quoted = QUOTED.match(text, start)
    if quoted:
        return Token(TokenKind.CONSTANT, unquote(quoted[1]), start, quoted.end())
    if start == len(text):
        raise TemplateError("the condition is not closed by '}}'", text, start)
    character = text[start]
    if character == '"':
        problem = "the text is not closed by a quote"
    elif character in CURLY_QUOTES or character == "'":
        problem = 'a text needs straight double quotes: "..."'
    elif character == "|":
        problem = "a condition cannot use filters" if text[start : start + 2] != "||" else "unexpected '||'"
    else:
        problem = f"unexpected '{character}' in a condition"
    meant = _MEANT.get(text[start : start + 2]) or _MEANT.get(character)
    raise TemplateError(problem, text, start, meant)
