"""Attributes in requests and files: which values they may have, and how many a customer may have."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from campaign_api.settings import ApiSettings
from campaign_api.web.errors import ApiError, ErrorCode
from leopard.domain.customer_fields import FIELD_NAME, FieldType, fits, type_of_value
from leopard.domain.stored_text import MAX_TEXT, storable

_LARGEST: Final = 1e300
"""Filters compare numbers up to this size."""

_SHOWN: Final = 60


class FieldProblem(ValueError):  # noqa: N818 it concerns one value of a request or of a file
    """A value that a field of a customer cannot have."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@contextmanager
def answering_field_problems() -> Iterator[None]:
    """Answer a request with INVALID_REQUEST where an attribute has a problem.

    Raises:
        ApiError: INVALID_REQUEST in place of a FieldProblem.
    """
    try:
        yield
    except FieldProblem as error:
        field = f"attributes.{error.field}" if error.field else "attributes"
        details = [{"field": field, "message": error.problem}]
        raise ApiError(ErrorCode.INVALID_REQUEST, f"{field}: {error.problem}", details) from None


@dataclass(frozen=True, slots=True)
class AttributeLimits:
    """How many attributes there may be, and how large."""

    count: int
    name_length: int
    size: int
    """Of all attributes of a customer together, as JSON in UTF-8, in bytes."""
    known: int
    """How many different attributes all customers together may have."""


def attribute_limits(settings: ApiSettings) -> AttributeLimits:
    """The limits that the settings give."""
    return AttributeLimits(
        settings.max_attributes,
        settings.max_attribute_name,
        settings.max_attributes_bytes,
        settings.max_known_attributes,
    )


def types_of(attributes: Mapping[str, object], limits: AttributeLimits) -> dict[str, FieldType]:
    """The types of all values that are not null.

    Raises:
        FieldProblem: A name or a value that no attribute may have.
    """
    return {name: type_of(name, value, limits) for name, value in attributes.items() if value is not None}


def type_of(name: str, value: object, limits: AttributeLimits) -> FieldType:
    """The type of a value.

    Raises:
        FieldProblem: No attribute may have that name or that value.
    """
    if FIELD_NAME.fullmatch(name) is None:
        raise FieldProblem(name[:_SHOWN], "the name must begin with a letter a-z and hold only a-z, 0-9 and _")
    if len(name) > limits.name_length:
        raise FieldProblem(name[:_SHOWN], f"the name must not be longer than {limits.name_length} characters")
    found = type_of_value(value)
    if found is None:
        raise FieldProblem(name, "must be a text, a number, true or false, a date, or a list of texts")
    for text in _texts(value):
        if len(text) > MAX_TEXT:
            raise FieldProblem(name, f"must not hold a text longer than {MAX_TEXT} characters")
        try:
            storable(text)
        except ValueError as error:
            raise FieldProblem(name, str(error)) from None
    if isinstance(value, int | float) and not -_LARGEST < value < _LARGEST:
        raise FieldProblem(name, "must be a number between -1e300 and 1e300")
    return found


def check_type(name: str, given: FieldType, known: FieldType) -> None:
    """Refuse a value of another type than the attribute had first.

    Raises:
        FieldProblem: The types differ.
    """
    if not fits(given, known):
        raise FieldProblem(name, f"must be {known.words}, as the first value of this attribute was")


def check_size(attributes: Mapping[str, Any], limits: AttributeLimits) -> None:
    """Refuse more attributes than a customer may have.

    Raises:
        FieldProblem: They are too many, or too large.
    """
    problem = size_problem(len(attributes), json.dumps(attributes, ensure_ascii=False), limits)
    if problem is not None:
        raise FieldProblem("", problem)


def size_problem(count: int, written: str, limits: AttributeLimits) -> str | None:
    """Why a customer must not have these attributes, by their number and their JSON; None if it may."""
    if count > limits.count:
        return f"a customer must not have more than {limits.count} attributes"
    # a character has four bytes at most
    if len(written) * 4 > limits.size and len(written.encode()) > limits.size:
        return f"the attributes of a customer must not exceed {limits.size} bytes of JSON"
    return None


def merged(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes after a change: given ones replace stored ones, and null removes one."""
    return {name: value for name, value in {**stored, **given}.items() if value is not None}


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) else []
