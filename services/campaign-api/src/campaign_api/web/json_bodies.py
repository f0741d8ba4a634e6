"""Request bodies are read as JSON of a bounded size, and never keep the event loop waiting.

`json.loads` cannot be stopped once it has begun, and builds whatever a few megabytes hold. This reader refuses what is
too much as soon as it sees it, and lets other threads run meanwhile.
"""

import asyncio
import json
import math
import re
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute

from campaign_api.web.errors import ApiError, ErrorCode

MOST_FIELDS: Final = 10_000
"""Maximum number of values beside one list of the maximum length; maximum number of lists and objects."""

_MOST_DIGITS: Final = 1000
_DEEPEST: Final = 50
_AT_ONCE_BYTES: Final = 8 * 1024
"""A body of this size is parsed within about a millisecond; larger ones are parsed in a thread."""

# one thread: several would compete with the event loop for the interpreter
_READING: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="json")

# possessive: megabytes of blanks are scanned once
_BLANKS: Final = re.compile(r"[ \t\n\r]*+")
_TOKEN: Final = re.compile(
    r'[ \t\n\r]*+(?:([\[{])|(?=(["]))|(-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?)|(true|false|null))'
)
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_STRINGS: Final = json.JSONDecoder()


class JsonRoute(APIRoute):
    """A route whose body is read by `read_json`."""

    most_fields: ClassVar[int] = MOST_FIELDS

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the route, which gets the parsed body."""
        handler = super().get_route_handler()
        has_body = self.body_field is not None

        async def handler_of_json(request: Request) -> Response:
            if has_body:
                most_items = request.app.state.resources.settings.max_listed_customers
                value = await _read(await request.body(), most_items, self.most_fields)
                request = _JsonRequest(request, value)
            return await handler(request)

        return handler_of_json


class BulkJsonRoute(JsonRoute):
    """A route whose body is a list of objects."""

    most_fields: ClassVar[int] = 25 * MOST_FIELDS


class _JsonRequest(Request):
    def __init__(self, request: Request, value: Any) -> None:  # noqa: ANN401 whatever the body holds
        super().__init__(request.scope, request.receive)
        self._body = request._body  # noqa: SLF001 read already; Starlette has no other way to hand it on
        self._json = value


async def _read(body: bytes, most_items: int, most_fields: int) -> Any:  # noqa: ANN401
    if not body:
        return None
    if len(body) <= _AT_ONCE_BYTES:
        return read_json(body, most_items, most_fields)
    return await asyncio.get_running_loop().run_in_executor(_READING, read_json, body, most_items, most_fields)


def read_json(body: bytes, most_items: int, most_fields: int = MOST_FIELDS) -> Any:  # noqa: ANN401
    """The JSON value of a body.

    Args:
        body: JSON, in UTF-8 or another Unicode encoding that JSON may have.
        most_items: The longest list that is taken.
        most_fields: The most values beside such a list, and the most lists and objects.

    Raises:
        ApiError: INVALID_REQUEST where it is no JSON, or holds more than is taken.
    """
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        return _Reader(text, most_items, most_fields).document()
    except UnicodeDecodeError:
        raise ApiError(ErrorCode.INVALID_REQUEST, "The body is not JSON: it is not valid UTF-8") from None
    except json.JSONDecodeError as error:
        where = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise ApiError(ErrorCode.INVALID_REQUEST, f"The body is not JSON: {where}") from None


class _Reader:
    def __init__(self, text: str, most_items: int, most_fields: int) -> None:
        self._text = text
        self._most_items = most_items
        self._most_fields = most_fields
        self._left = most_items + most_fields
        self._containers_left = most_fields

    def document(self) -> Any:  # noqa: ANN401
        """The value of the whole text."""
        value, end = self._value(0, ())
        end = _after_blanks(self._text, end)
        if end != len(self._text):
            raise json.JSONDecodeError("Extra data", self._text, end)
        return value

    def _value(self, at: int, path: tuple[str, ...]) -> tuple[Any, int]:
        token = _TOKEN.match(self._text, at)
        if token is None:
            raise json.JSONDecodeError("Expecting value", self._text, _after_blanks(self._text, at))
        self._left -= 1
        if self._left < 0:
            raise _refusal((), f"must not hold more than {self._most_items + self._most_fields} values")
        opening, quote, number, fraction, exponent, constant = token.groups()
        if quote:
            return _STRINGS.raw_decode(self._text, token.end())
        if number:
            return _number(number, whole=not (fraction or exponent), path=path), token.end()
        if constant:
            return _CONSTANTS[constant], token.end()
        self._containers_left -= 1
        if self._containers_left < 0:
            raise _refusal(path, f"must not hold more than {self._most_fields} lists and objects")
        if len(path) >= _DEEPEST:
            raise _refusal(path[:3], f"must not nest deeper than {_DEEPEST} levels")
        return self._list(token.end(), path) if opening == "[" else self._object(token.end(), path)

    def _list(self, at: int, path: tuple[str, ...]) -> tuple[list[Any], int]:
        text = self._text
        items: list[Any] = []
        at = _after_blanks(text, at)
        if text[at : at + 1] == "]":
            return items, at + 1
        inside = (*path, "")
        while True:
            if len(items) >= self._most_items:
                raise _refusal(path, f"must not hold more than {self._most_items} values")
            item, at = self._value(at, inside)
            items.append(item)
            at = _after_blanks(text, at)
            mark = text[at : at + 1]
            at += 1
            if mark == "]":
                return items, at
            if mark != ",":
                raise json.JSONDecodeError("Expecting ',' delimiter", text, at - 1)

    def _object(self, at: int, path: tuple[str, ...]) -> tuple[dict[str, Any], int]:
        text = self._text
        fields: dict[str, Any] = {}
        at = _after_blanks(text, at)
        if text[at : at + 1] == "}":
            return fields, at + 1
        while True:
            at = _after_blanks(text, at)
            if text[at : at + 1] != '"':
                raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
            name, at = _STRINGS.raw_decode(text, at)
            at = _after_blanks(text, at)
            if text[at : at + 1] != ":":
                raise json.JSONDecodeError("Expecting ':' delimiter", text, at)
            fields[name], at = self._value(at + 1, (*path, name))
            at = _after_blanks(text, at)
            mark = text[at : at + 1]
            at += 1
            if mark == "}":
                return fields, at
            if mark != ",":
                raise json.JSONDecodeError("Expecting ',' delimiter", text, at - 1)


def _after_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return at if blanks is None else blanks.end()


def _number(written: str, *, whole: bool, path: tuple[str, ...]) -> int | float:
    if len(written) > _MOST_DIGITS:
        raise _refusal(path, f"must not be a number of more than {_MOST_DIGITS} digits")
    if whole:
        return int(written)
    value = float(written)
    if math.isinf(value):
        raise _refusal(path, "must not be a number beyond what can be counted with")
    return value


def _refusal(path: tuple[str, ...], why: str) -> ApiError:
    field = ".".join(part[:60] for part in path[:5] if part) or "body"
    return ApiError(ErrorCode.INVALID_REQUEST, f"{field}: {why}", [{"field": field, "message": why}])
