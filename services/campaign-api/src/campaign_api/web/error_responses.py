"""How the OpenAPI document describes errors: one body, and for each status the codes, their meaning and examples."""

from typing import Any, Final

from pydantic import BaseModel, Field

from campaign_api.web.errors import STATUS, ErrorCode, error_body

_MEANINGS: Final[dict[ErrorCode, str]] = {
    ErrorCode.INVALID_REQUEST: "the request is not valid; `details` names each wrong field",
    ErrorCode.INVALID_TEMPLATE: "the template cannot be parsed; the message gives the line and column",
    ErrorCode.INVALID_STATUS: "the status of the campaign does not allow this",
    ErrorCode.NO_VALID_CUSTOMERS: "none of the customers exists",
    ErrorCode.CAMPAIGN_NOT_FOUND: "no campaign has this id",
    ErrorCode.CUSTOMER_NOT_FOUND: "no customer has this id",
    ErrorCode.DRY_RUN_NOT_FOUND: "no dry run has this id",
    ErrorCode.MESSAGE_NOT_FOUND: "no message has this id",
    ErrorCode.IMPORT_NOT_FOUND: "no import has this id",
    ErrorCode.SEGMENT_NOT_FOUND: "no segment has this id",
    ErrorCode.NOT_FOUND: "no resource has this path",
    ErrorCode.METHOD_NOT_ALLOWED: "the resource does not support this method",
    ErrorCode.IDEMPOTENCY_CONFLICT: "the `Idempotency-Key` was used for another request in the last 24 hours",
    ErrorCode.PAYLOAD_TOO_LARGE: "the request body is too large",
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: "the `Content-Type` is not one that this route reads",
    ErrorCode.INTERNAL_ERROR: "an unexpected error; the service has logged it",
    ErrorCode.UNAVAILABLE: "the database is unavailable, or another transaction holds a lock; try again later",
}

_EXAMPLES: Final[dict[ErrorCode, dict[str, Any]]] = {
    ErrorCode.INVALID_REQUEST: error_body(
        ErrorCode.INVALID_REQUEST,
        "name: must not be empty",
        [{"field": "name", "message": "must not be empty"}],
    ),
    ErrorCode.INVALID_TEMPLATE: error_body(
        ErrorCode.INVALID_TEMPLATE, "The template does not parse: '{' is never closed at line 1, column 4"
    ),
    ErrorCode.INVALID_STATUS: error_body(ErrorCode.INVALID_STATUS, "Campaign 1 is sent; it cannot be paused"),
    ErrorCode.NO_VALID_CUSTOMERS: error_body(ErrorCode.NO_VALID_CUSTOMERS, "None of the customers exists"),
    ErrorCode.CAMPAIGN_NOT_FOUND: error_body(ErrorCode.CAMPAIGN_NOT_FOUND, "Campaign 999 not found"),
    ErrorCode.CUSTOMER_NOT_FOUND: error_body(ErrorCode.CUSTOMER_NOT_FOUND, "Customer 999 not found"),
    ErrorCode.DRY_RUN_NOT_FOUND: error_body(ErrorCode.DRY_RUN_NOT_FOUND, "Dry run 999 not found"),
    ErrorCode.MESSAGE_NOT_FOUND: error_body(ErrorCode.MESSAGE_NOT_FOUND, "Message 999 not found"),
    ErrorCode.IMPORT_NOT_FOUND: error_body(ErrorCode.IMPORT_NOT_FOUND, "Import 999 not found"),
    ErrorCode.SEGMENT_NOT_FOUND: error_body(ErrorCode.SEGMENT_NOT_FOUND, "Segment 999 not found"),
}

BODY_ERRORS: Final = (ErrorCode.PAYLOAD_TOO_LARGE, ErrorCode.UNSUPPORTED_MEDIA_TYPE)
"""Errors of every route that reads a request body."""

_ALWAYS: Final = (ErrorCode.INTERNAL_ERROR, ErrorCode.UNAVAILABLE)

_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds to wait before the next try", "schema": {"type": "integer"}}
}


class ErrorDetail(BaseModel):
    """One problem of a request."""

    field: str = Field(description="Path of the field; dots separate its parts", examples=["audience.filter"])
    message: str = Field(description="What is wrong with the field", examples=["must not be empty"])
    line: int | None = Field(default=None, description="Line in a template, from 1; absent elsewhere", examples=[1])
    column: int | None = Field(default=None, description="Column in a template, from 1; absent elsewhere", examples=[4])
    picture: str | None = Field(
        default=None,
        description="The line of a template, and a caret below the place; absent elsewhere",
        examples=["Hi {first_name|upcase}\n               ^"],
    )
    nearest: str | None = Field(
        default=None,
        description="The known name that is most like an unknown one; often absent",
        examples=["uppercase"],
    )


class ErrorDescription(BaseModel):
    """What went wrong."""

    code: ErrorCode = Field(description="Code of the error, for programs")
    message: str = Field(description="Explanation, for people", examples=["Campaign 999 not found"])
    details: list[ErrorDetail] | None = Field(
        default=None, description="Problems of single fields, the first 20; absent if there are none"
    )


class ErrorBody(BaseModel):
    """The body of every response that is not 2xx."""

    error: ErrorDescription = Field(description="What went wrong")


def error_responses(*codes: ErrorCode) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may fail with these codes; every route may also fail with 500 and 503."""
    by_status: dict[int, list[ErrorCode]] = {}
    for code in (*codes, *_ALWAYS):
        by_status.setdefault(STATUS[code], []).append(code)
    responses: dict[int | str, dict[str, Any]] = {status: _response(listed) for status, listed in by_status.items()}
    responses[STATUS[ErrorCode.UNAVAILABLE]]["headers"] = _RETRY_AFTER
    # with a default, FastAPI does not add the 422 that this API never answers with
    responses["default"] = {"model": ErrorBody, "description": "Any other error"}
    return responses


def _response(codes: list[ErrorCode]) -> dict[str, Any]:
    examples = {code.value: {"value": _EXAMPLES[code]} for code in codes if code in _EXAMPLES}
    content = {"content": {"application/json": {"examples": examples}}} if examples else {}
    description = "; or ".join(f"`{code}`: {_MEANINGS[code]}" for code in codes)
    return {"model": ErrorBody, "description": description, **content}
