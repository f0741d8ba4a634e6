"""Trace context in the W3C `traceparent` format: links log lines and jobs to the request that caused them."""

from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider

from leopard import __version__

TRACEPARENT = "traceparent"


def configure_tracing(service: str) -> None:
    """Give every span of this process a trace id that other services continue."""
    trace.set_tracer_provider(TracerProvider(resource=Resource.create({SERVICE_NAME: service})))


def tracer() -> trace.Tracer:
    """The tracer that creates Leopard's spans."""
    return trace.get_tracer("leopard", __version__)


def current_traceparent() -> str | None:
    """The trace context of the current span, to store or send; None without a span."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get(TRACEPARENT)


def trace_id_of(traceparent: object) -> str | None:
    """The trace id in a `traceparent`; None if it is invalid."""
    if not isinstance(traceparent, str):
        return None
    context = trace.get_current_span(extract({TRACEPARENT: traceparent})).get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None
