"""One log line, one measurement and one span for every request."""

import time
from types import TracebackType
from typing import Final

import structlog
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, StatusCode
from prometheus_client import Histogram
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from campaign_api.web.errors import ErrorCode, error_body
from leopard.telemetry.logs import get_logger
from leopard.telemetry.tracing import tracer

log = get_logger(__name__)

REQUEST_SECONDS: Final = Histogram(
    "http_server_request_duration_seconds",
    "How long requests took.",
    ["method", "route", "status_code"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

_UNANSWERED: Final = 0
_UNMATCHED: Final = "unmatched"
_LONGEST_ID: Final = 19
_SHORTEST_PHONE: Final = 7
_QUIET: Final = {"/health", "/livez", "/readyz", "/metrics"}


class RequestLog:
    """Middleware that logs, measures and traces each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and record its result."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = _UNANSWERED

        async def watched_send(part: Message) -> None:
            nonlocal status
            if part["type"] == "http.response.start":
                status = part["status"]
            await send(part)

        structlog.contextvars.clear_contextvars()
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        started = time.perf_counter()
        with tracer().start_as_current_span(
            _method(scope),
            context=extract(carrier),
            kind=SpanKind.SERVER,
            record_exception=False,
        ) as span:
            try:
                await self._app(scope, receive, watched_send)
            except Exception as error:
                log.exception(
                    "request failed",
                    method=_method(scope),
                    route=_route(scope),
                    error=type(error).__name__,
                    sqlstate=getattr(error, "sqlstate", None),
                    exc_info=_without_values(error),
                )
                answering = status != _UNANSWERED
                status = 500
                if answering:
                    # the server sees an incomplete answer, and closes the connection
                    return
                body = error_body(ErrorCode.INTERNAL_ERROR, "Something went wrong on our side")
                await JSONResponse(body, status)(scope, receive, send)
            finally:
                seconds = time.perf_counter() - started
                route = _route(scope)
                REQUEST_SECONDS.labels(_method(scope), route, str(status)).observe(seconds)
                _describe(span, _method(scope), route, status)
                if route not in _QUIET:
                    log.info(
                        "request",
                        method=_method(scope),
                        route=route,
                        status=status,
                        milliseconds=round(seconds * 1000, 1),
                        **_ids(scope, status),
                    )


def _describe(span: Span, method: str, route: str, status: int) -> None:
    """Name the span and set its attributes as OpenTelemetry's conventions for HTTP servers have them."""
    span.set_attributes({"http.request.method": method, "http.response.status_code": status})
    if route != _UNMATCHED:
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
    if status >= 500 or status == _UNANSWERED:
        span.set_status(StatusCode.ERROR)


def _route(scope: Scope) -> str:
    # the template of the path, not the path: clients must not be able to create time series
    path: str = scope["path"]
    return path if path in _QUIET else str(getattr(scope.get("route"), "path", _UNMATCHED))


def _method(scope: Scope) -> str:
    known = {"GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"}
    return scope["method"] if scope["method"] in known else "other"


def _ids(scope: Scope, status: int) -> dict[str, str]:
    """The ids in the path; one as long as a phone number only if a row was found by it."""
    given: dict[str, object] = scope.get("path_params", {})
    ids = {name: str(value) for name, value in given.items()}
    longest = _LONGEST_ID if status < 400 else _SHORTEST_PHONE - 1
    return {name: id_ for name, id_ in ids.items() if id_.isascii() and id_.isdigit() and len(id_) <= longest}


class _WithheldError(Exception):
    """The exception's text is not logged: it may quote a request or a customer's row."""


def _without_values(error: Exception) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    return type(error), _WithheldError(), error.__traceback__
