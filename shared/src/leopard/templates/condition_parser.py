"""Parses conditions.

condition  = both {"or" both}
both       = negation {"and" negation}
negation   = "not" negation | comparison
comparison = operand [operator operand]
operand    = field | text | number | date | "true" | "false" | "(" condition ")"
"""

from typing import Final

from leopard.domain.customer_fields import FIELD_NAME
from leopard.templates.condition_tokens import Token, TokenKind, next_token
from leopard.templates.field_names import is_attribute_path
from leopard.templates.problems import TemplateError, nearest_name
from leopard.templates.tree import And, Comparison, Condition, Field, Literal, Not, Operator, Or

MAX_CONDITION_LEVELS: Final = 10
"""Levels of parentheses and of `not`."""


class ConditionParser:
    """Reads one condition, up to and with its closing `}}`."""

    def __init__(self, text: str, position: int, known: frozenset[str]) -> None:
        self._text = text
        self._known = known
        self._token = next_token(text, position)

    def parse(self) -> tuple[Condition, int]:
        """The condition, and where the rest of the template begins.

        Raises:
            TemplateError: It is not a condition.
        """
        condition = self._either(0)
        if self._token.kind is not TokenKind.END:
            raise self._unexpected()
        return condition, self._token.end

    def _either(self, level: int) -> Condition:
        parts = [self._both(level)]
        while self._takes_word("or"):
            parts.append(self._both(level))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _both(self, level: int) -> Condition:
        parts = [self._negation(level)]
        while self._takes_word("and"):
            parts.append(self._negation(level))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _negation(self, level: int) -> Condition:
        if level > MAX_CONDITION_LEVELS:
            raise self._error(f"the condition has more than {MAX_CONDITION_LEVELS} levels")
        return Not(self._negation(level + 1)) if self._takes_word("not") else self._comparison(level)

    def _comparison(self, level: int) -> Condition:
        left = self._operand(level)
        token = self._token
        if token.kind is not TokenKind.OPERATOR:
            return left
        self._advance()
        comparison = Comparison(left, Operator(str(token.value)), self._operand(level), token.start)
        if self._token.kind is TokenKind.OPERATOR:
            raise self._error("a comparison has one operator; connect two comparisons with and")
        return comparison

    def _operand(self, level: int) -> Condition:
        token = self._token
        match token.kind:
            case TokenKind.CONSTANT:
                self._advance()
                return Literal(token.value)
            case TokenKind.NAME:
                self._advance()
                return self._field(token)
            case TokenKind.OPEN:
                self._advance()
                condition = self._either(level + 1)
                if self._token.kind is not TokenKind.CLOSE:
                    raise TemplateError("'(' is never closed", self._text, token.start)
                self._advance()
                return condition
            case _:
                raise self._unexpected()

    def _field(self, token: Token) -> Field:
        name = str(token.value)
        if FIELD_NAME.fullmatch(name) is None and not is_attribute_path(name):
            nearest = nearest_name(name, self._known)
            raise TemplateError(f"'{name[:40]}' is not the name of a field", self._text, token.start, nearest)
        return Field(name, (), token.start)

    def _takes_word(self, word: str) -> bool:
        if self._token.kind is not TokenKind.KEYWORD or self._token.value != word:
            return False
        self._advance()
        return True

    def _advance(self) -> None:
        self._token = next_token(self._text, self._token.end)

    def _unexpected(self) -> TemplateError:
        if self._token.kind is TokenKind.END:
            return self._error("the condition is incomplete")
        return self._error(f"unexpected '{str(self._token.value)[:40]}' in a condition")

    def _error(self, problem: str) -> TemplateError:
        return TemplateError(problem, self._text, self._token.start)
