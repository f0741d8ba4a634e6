"""The filters by their names: the arguments that each takes, and what it does to a value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from leopard.templates.date_patterns import date_pattern
from leopard.templates.locale_formats import currencies, format_amount, format_day, format_number, is_currency
from leopard.templates.plurals import pluralize
from leopard.templates.problems import nearest_name
from leopard.templates.text_filters import ELLIPSIS, capitalize, titlecase, truncate, urlencode
from leopard.templates.values import as_text, is_empty

Argument: TypeAlias = str | int | float
Step: TypeAlias = Callable[[object, str], object]
"""One filter with its arguments: takes the value so far and the recipient's language, returns the new value."""

MAX_LENGTH: Final = 10_000
"""The largest argument of `truncate`."""


_SHILLINGS: Final = {"KSH": "KES", "TSH": "TZS", "USH": "UGX"}
"""What people write for currencies of East Africa, and their codes."""


class ArgumentError(ValueError):
    """An argument of a filter is wrong; `index` says which one, None that one is missing."""

    def __init__(self, problem: str, index: int | None = None, nearest: str | None = None) -> None:
        super().__init__(problem)
        self.index = index
        self.nearest = nearest


class ArgumentKind(StrEnum):
    """What an argument can be, in words."""

    TEXT = 'a text in double quotes: "..."'
    NUMBER = "a whole number"
    ANY = 'a text in double quotes, "...", or a number'


@dataclass(frozen=True, slots=True)
class FilterRule:
    """What a filter takes, and how it is made ready."""

    example: str
    prepare: Callable[..., Step]
    """Called with the arguments once, when the template is compiled. May raise ArgumentError."""
    takes: tuple[ArgumentKind, ...] = ()
    optional: int = 0
    """How many of the last arguments may be absent."""


def prepare(name: str, arguments: tuple[Argument, ...]) -> Step:
    """The step of a known filter.

    Raises:
        ArgumentError: An argument is missing, of the wrong kind, or one too many.
    """
    rule = FILTERS[name]
    if len(arguments) > len(rule.takes):
        problem = f"{name} takes no argument" if not rule.takes else f"{name} takes no more: {rule.example}"
        raise ArgumentError(problem, len(rule.takes))
    if len(arguments) < len(rule.takes) - rule.optional:
        raise ArgumentError(f"{name} needs {rule.takes[len(arguments)]}, as in {rule.example}")
    for index, (argument, kind) in enumerate(zip(arguments, rule.takes, strict=False)):
        if (kind is ArgumentKind.TEXT and not isinstance(argument, str)) or (
            kind is ArgumentKind.NUMBER and not isinstance(argument, int)
        ):
            raise ArgumentError(f"{name} needs {kind}, as in {rule.example}", index)
    return rule.prepare(*arguments)


def _of_text(change: Callable[[str], str]) -> Callable[[], Step]:
    def step(value: object, _language: str) -> str:
        return change(value if type(value) is str else as_text(value))

    return lambda: step


def _truncate(length: int, ending: str = ELLIPSIS) -> Step:
    if not 1 <= length <= MAX_LENGTH:
        raise ArgumentError(f"truncate needs a number from 1 to {MAX_LENGTH}", 0)
    return _of_text(lambda text: truncate(text, length, ending))()


def _currency(code: str) -> Step:
    if not is_currency(code):
        raise ArgumentError(f"unknown currency '{code[:10]}'", 0, _nearest_currency(code.upper()))
    return lambda value, language: format_amount(value, code, language)


def _nearest_currency(code: str) -> str | None:
    if code in currencies():
        return code
    if code in _SHILLINGS:
        return _SHILLINGS[code]
    found = nearest_name(code, (known.lower() for known in currencies()))
    return found.upper() if found else None


def _date(written: str | None = None) -> Step:
    if written is None:
        return lambda value, language: format_day(value, None, language)
    try:
        pattern = date_pattern(written)
    except ValueError as error:
        raise ArgumentError(str(error), 0) from None
    return lambda value, language: format_day(value, pattern, language)


def _default(substitute: Argument) -> Step:
    def step(value: object, _language: str) -> object:
        if type(value) is str:
            return value or substitute
        return substitute if is_empty(value) else value

    return step


_TEXT, _NUMBER, _ANY = ArgumentKind.TEXT, ArgumentKind.NUMBER, ArgumentKind.ANY

FILTERS: Final[Mapping[str, FilterRule]] = {
    "uppercase": FilterRule("uppercase", _of_text(str.upper)),
    "lowercase": FilterRule("lowercase", _of_text(str.lower)),
    "titlecase": FilterRule("titlecase", _of_text(titlecase)),
    "capitalize": FilterRule("capitalize", _of_text(capitalize)),
    "trim": FilterRule("trim", _of_text(str.strip)),
    "truncate": FilterRule("truncate:20", _truncate, (_NUMBER, _TEXT), optional=1),
    "pluralize": FilterRule("pluralize", _of_text(pluralize)),
    "number": FilterRule("number", lambda: format_number),
    "currency": FilterRule('currency:"KES"', _currency, (_TEXT,)),
    "date": FilterRule('date:"%d %b"', _date, (_TEXT,), optional=1),
    "urlencode": FilterRule("urlencode", _of_text(urlencode)),
    "default": FilterRule('default:"Valued Customer"', _default, (_ANY,)),
}
"""All filters by their names."""
