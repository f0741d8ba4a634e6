"""Traces: which request a log line or a job belongs to, in the W3C's `traceparent` form."""

from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider

from leopard import __version__

TRACEPARENT = "traceparent"


def configure_tracing(service: str) -> None:
    """Give every span of this process an id that can be followed to the other services."""
    trace.set_tracer_provider(TracerProvider(resource=Resource.create({SERVICE_NAME: service})))


def tracer() -> trace.Tracer:
    """Where Leopard's spans come from."""
    return trace.get_tracer("leopard", __version__)


def current_traceparent() -> str | None:
    """The trace context of the span that is open, to be stored or sent along; null where none is."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get(TRACEPARENT)


def trace_id_of(traceparent: object) -> str | None:
    """The trace id in a `traceparent`; null where it is none."""
    if not isinstance(traceparent, str):
        return None
    context = trace.get_current_span(extract({TRACEPARENT: traceparent})).get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None
