"""Structured logs: JSON where a machine reads them, plain text on a terminal.

Every line carries what is bound to it (`campaign_id`, `message_id`) and the trace it belongs to. Phone numbers and
message texts are never logged.
"""

import logging
import logging.config
import re
import sys
import traceback
from typing import Any, Final, Literal, TextIO

import structlog
from opentelemetry import trace
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from leopard.settings import LogFormat, LogLevel

_VALUES: Final = re.compile(r"\n(?:DETAIL|CONTEXT):.*?(?=\n\n|\Z)", re.DOTALL)


def without_values(text: str) -> str:
    """An error's text without what PostgreSQL quotes in it of a row: phone numbers and texts belong in no log."""
    return _VALUES.sub("", text)


class _TracebackDicts(ExceptionDictTransformer):
    """Tracebacks as JSON, without values."""

    def __init__(self) -> None:
        super().__init__(show_locals=False)

    def __call__(self, exc_info: ExcInfo) -> list[dict[str, Any]]:
        stacks = super().__call__(exc_info)
        for stack in stacks:
            stack["exc_value"] = without_values(stack["exc_value"])
        return stacks


def _plain_traceback(output: TextIO, exc_info: ExcInfo) -> None:
    output.write(without_values("".join(traceback.format_exception(*exc_info))))


def _add_trace_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event.setdefault("trace_id", trace.format_trace_id(context.trace_id))
    return event


def _drop_color_message(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    # uvicorn says the same again, in colours
    event.pop("color_message", None)
    return event


def configure_logs(
    service: str, log_format: LogFormat, level: LogLevel, *, stream: Literal["stdout", "stderr"] = "stdout"
) -> None:
    """Send the logs of this process, and of the libraries in it, to standard output or standard error."""
    as_json = log_format is LogFormat.JSON or (log_format is LogFormat.AUTO and not getattr(sys, stream).isatty())

    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace_id,
        add_service,
    ]
    renderers: list[Processor] = (
        [ExceptionRenderer(_TracebackDicts()), structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.dev.ConsoleRenderer(exception_formatter=_plain_traceback)]
    )
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structured": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": [*shared, structlog.stdlib.ExtraAdder(), _drop_color_message],
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
                }
            },
            "handlers": {
                stream: {"class": "logging.StreamHandler", "stream": f"ext://sys.{stream}", "formatter": "structured"}
            },
            "root": {"handlers": [stream], "level": level.value},
            "loggers": {
                # each attempt to reconnect is logged there; leopard.broker.connection logs the changes of state instead
                "aio_pika": {"level": "CRITICAL"},
                "aiormq": {"level": "CRITICAL"},
                "psycopg.pool": {"level": "ERROR"},
                # the request log of campaign-api says more
                "uvicorn.access": {"level": "WARNING"},
            },
        }
    )


def get_logger(name: str) -> Any:  # noqa: ANN401 structlog's lazy proxy has no type of its own
    """A logger for one module."""
    return structlog.stdlib.get_logger(name)
