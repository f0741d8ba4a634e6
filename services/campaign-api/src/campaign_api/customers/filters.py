"""Filters of lists and exports of customers: by phone number, and by a filter in JSON."""

from typing import Annotated, Any

from fastapi import Query

from campaign_api.web.errors import ApiError, ErrorCode
from campaign_api.web.field_types import EmptyAsNone, Phone
from campaign_api.web.json_bodies import read_json
from leopard.audiences.conditions import Condition
from leopard.audiences.filter_grammar import MOST_VALUES
from leopard.audiences.filters import FilterError
from leopard.audiences.selection import compiled_filter
from leopard.db.pool import Connection

PhoneQuery = Annotated[
    Phone | None,
    EmptyAsNone,
    Query(description="Only the customer with this phone number", examples=["+254700123456"]),
]

FilterQuery = Annotated[
    str | None,
    EmptyAsNone,
    Query(
        alias="filter",
        description="Only customers that match this filter, as JSON; the filters of audiences",
        examples=['{"field": "points", ">=": 100}'],
    ),
]


async def customer_condition(connection: Connection, phone: str | None, filter_: str | None) -> Condition:
    """The SQL condition for the customers of a request.

    Raises:
        ApiError: INVALID_REQUEST where the filter is no JSON, or wrong.
    """
    parts = [Condition("true")]
    if phone is not None:
        parts.append(Condition("customers.phone = %(phone)s", {"phone": phone}))
    if filter_ is not None:
        parts.append(await _filtered(connection, filter_))
    return Condition(
        " AND ".join(part.sql for part in parts),
        {name: value for part in parts for name, value in part.parameters.items()},
    )


async def _filtered(connection: Connection, written: str) -> Condition:
    try:
        given: Any = read_json(written.encode("utf-8", "surrogatepass"), MOST_VALUES)
    except ApiError as error:
        message = error.message.replace("The body", "filter")
        details = [{"field": "filter", "message": message.removeprefix("filter ")}]
        raise ApiError(ErrorCode.INVALID_REQUEST, message, details) from None
    try:
        return await compiled_filter(connection, given, "filter")
    except FilterError as error:
        raise filter_refused(error) from None


def filter_refused(error: FilterError, field: str = "") -> ApiError:
    """The answer to a filter that is wrong.

    Args:
        error: What is wrong.
        field: Where the filter stands in the request.
    """
    path = f"{field}.{error.path}" if field else error.path
    details = [{"field": path, "message": error.problem}]
    return ApiError(ErrorCode.INVALID_REQUEST, f"{path}: {error.problem}", details)
