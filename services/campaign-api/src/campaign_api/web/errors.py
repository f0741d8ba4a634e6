"""Errors as clients see them: one body for every answer that is not 2xx.

{"error": {"code": "CAMPAIGN_NOT_FOUND", "message": "Campaign 999 not found"}}
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import errors
from starlette.exceptions import HTTPException
from starlette.routing import Match

from leopard.audiences.filters import FilterError
from leopard.db.pool import DATABASE_UNAVAILABLE
from leopard.telemetry.logs import get_logger

log = get_logger(__name__)


class ErrorCode(StrEnum):
    """Every code of an error."""

    INVALID_REQUEST = "INVALID_REQUEST"
    INVALID_TEMPLATE = "INVALID_TEMPLATE"
    INVALID_STATUS = "INVALID_STATUS"
    NO_VALID_CUSTOMERS = "NO_VALID_CUSTOMERS"
    CAMPAIGN_NOT_FOUND = "CAMPAIGN_NOT_FOUND"
    CUSTOMER_NOT_FOUND = "CUSTOMER_NOT_FOUND"
    DRY_RUN_NOT_FOUND = "DRY_RUN_NOT_FOUND"
    MESSAGE_NOT_FOUND = "MESSAGE_NOT_FOUND"
    IMPORT_NOT_FOUND = "IMPORT_NOT_FOUND"
    SEGMENT_NOT_FOUND = "SEGMENT_NOT_FOUND"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    UNAVAILABLE = "UNAVAILABLE"


STATUS: Final[dict[ErrorCode, int]] = {
    ErrorCode.INVALID_REQUEST: 400,
    ErrorCode.INVALID_TEMPLATE: 400,
    ErrorCode.INVALID_STATUS: 400,
    ErrorCode.NO_VALID_CUSTOMERS: 400,
    ErrorCode.CAMPAIGN_NOT_FOUND: 404,
    ErrorCode.CUSTOMER_NOT_FOUND: 404,
    ErrorCode.DRY_RUN_NOT_FOUND: 404,
    ErrorCode.MESSAGE_NOT_FOUND: 404,
    ErrorCode.IMPORT_NOT_FOUND: 404,
    ErrorCode.SEGMENT_NOT_FOUND: 404,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.IDEMPOTENCY_CONFLICT: 409,
    ErrorCode.PAYLOAD_TOO_LARGE: 413,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorCode.INTERNAL_ERROR: 500,
    ErrorCode.UNAVAILABLE: 503,
}

_CODE_OF_STATUS: Final = {
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.PAYLOAD_TOO_LARGE,
    415: ErrorCode.UNSUPPORTED_MEDIA_TYPE,
}


RETRY_SECONDS: Final = "2"
"""When a client may try again, if another transaction blocks it."""

_UNANSWERED: Final[dict[type[Exception], str]] = {
    errors.LockNotAvailable: "Something that this request needs is locked by another transaction",
    errors.DeadlockDetected: "Another transaction was in the way",
    errors.SerializationFailure: "Another transaction was in the way",
    errors.QueryCanceled: "The request took too long",
}


MOST_DETAILS: Final = 20
"""How many problems of a request an answer lists; it says how many there are."""

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_LONGEST_PART: Final = 60
_LONGEST_WORDS: Final = 500


class ItemProblems(ValueError):  # noqa: N818 pydantic's word for it is a value error
    """What is wrong with the items of a list: the first problems, and how many there are."""

    def __init__(self, first: list[tuple[int, str]], total: int) -> None:
        super().__init__(f"{total} items are wrong")
        self.first = first
        self.total = total


class ApiError(Exception):
    """A request that is refused, with the code and the message for the client."""

    def __init__(self, code: ErrorCode, message: str, details: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


def campaign_not_found(campaign_id: int) -> ApiError:
    """The error for an id that no campaign has."""
    return ApiError(ErrorCode.CAMPAIGN_NOT_FOUND, f"Campaign {campaign_id} not found")


def customer_not_found(customer_id: int) -> ApiError:
    """The error for an id that no customer has."""
    return ApiError(ErrorCode.CUSTOMER_NOT_FOUND, f"Customer {customer_id} not found")


def segment_not_found(segment_id: int) -> ApiError:
    """The error for an id that no segment has."""
    return ApiError(ErrorCode.SEGMENT_NOT_FOUND, f"Segment {segment_id} not found")


def error_body(code: ErrorCode, message: str, details: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """The body of an answer that is not 2xx."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = list(details)
    return {"error": error}


def install_error_handlers(app: FastAPI) -> None:
    """Answer every error of the application with the same body."""

    @app.exception_handler(ApiError)
    async def refused(_request: Request, error: ApiError) -> JSONResponse:
        headers = {"Retry-After": RETRY_SECONDS} if error.code is ErrorCode.UNAVAILABLE else None
        return JSONResponse(error_body(error.code, error.message, error.details), STATUS[error.code], headers=headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        problems = error.errors()
        details = list(islice(_details(problems), MOST_DETAILS))
        total = sum(_weight(problem) for problem in problems)
        first = details[0]
        message = f"{first['field']}: {first['message']}" if first["field"] else first["message"]
        if total > len(details):
            message += f" ({total} problems in all, the first {len(details)} are listed)"
        return JSONResponse(error_body(ErrorCode.INVALID_REQUEST, message, details), 400)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        code = _CODE_OF_STATUS.get(error.status_code, ErrorCode.INVALID_REQUEST)
        message = {
            ErrorCode.NOT_FOUND: f"There is nothing at {request.url.path[:_LONGEST_WORDS]}",
            ErrorCode.METHOD_NOT_ALLOWED: f"{request.method} is not allowed here",
            ErrorCode.PAYLOAD_TOO_LARGE: "The request body is too large",
        }.get(code, "The request body cannot be read as JSON")
        headers = {"Allow": _allowed(app, request)} if code is ErrorCode.METHOD_NOT_ALLOWED else error.headers
        return JSONResponse(error_body(code, message), STATUS[code], headers=headers)

    async def database_unavailable(_request: Request, error: Exception) -> JSONResponse:
        reason = next(words for kind, words in _UNANSWERED.items() if isinstance(error, kind))
        log.warning("the database gave a request up", error=type(error).__name__)
        body = error_body(ErrorCode.UNAVAILABLE, f"{reason}; try again later")
        return JSONResponse(body, 503, headers={"Retry-After": RETRY_SECONDS})

    for kind in _UNANSWERED:
        app.add_exception_handler(kind, database_unavailable)

    async def unavailable(_request: Request, error: Exception) -> JSONResponse:
        log.warning("database unavailable, request refused", error=type(error).__name__)
        body = error_body(ErrorCode.UNAVAILABLE, "The service cannot reach its database; try again later")
        return JSONResponse(body, 503, headers={"Retry-After": "5"})

    for database_error in DATABASE_UNAVAILABLE:
        app.add_exception_handler(database_error, unavailable)


def _allowed(app: FastAPI, request: Request) -> str:
    """The methods of a path, from all its routes."""
    scope = {
        "type": "http",
        "path": request.scope["path"],
        "root_path": request.scope.get("root_path", ""),
        "headers": [],
    }
    allowed = [
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in app.router.routes)
    ]
    return ", ".join(allowed)


def _details(problems: Sequence[dict[str, Any]]) -> Iterator[dict[str, str]]:
    for problem in problems:
        # "body", "query" and "path" mean nothing to a client
        path = [str(part)[:_LONGEST_PART] for part in problem["loc"][1:]] or [str(problem["loc"][0])]
        inner = problem.get("ctx", {}).get("error")
        if isinstance(inner, ItemProblems):
            for index, message in inner.first:
                yield {"field": ".".join([*path, str(index)]), "message": message}
        elif isinstance(inner, FilterError):
            yield {"field": ".".join([*path, inner.path]).rstrip("."), "message": inner.problem}
        else:
            yield {
                "field": ".".join(path),
                "message": str(problem["msg"]).removeprefix("Value error, ")[:_LONGEST_WORDS],
            }


def _weight(problem: dict[str, Any]) -> int:
    inner = problem.get("ctx", {}).get("error")
    return inner.total if isinstance(inner, ItemProblems) else 1
