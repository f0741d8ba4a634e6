"""Each request has one span in the caller's trace. The span contains no data that the client sent."""

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_trace_id

from leopard.db.pool import Connection

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
PHONE = "254711222333"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """The finished spans. It replaces the tracer, because a process can set its provider only once."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    return exporter


def only(spans: InMemorySpanExporter) -> ReadableSpan:
    [span] = spans.get_finished_spans()
    return span


async def test_a_request_has_one_server_span_in_the_callers_trace(
    client: httpx2.AsyncClient, spans: InMemorySpanExporter
) -> None:
    new = {"name": "Summer", "channel": "sms", "base_template": "Hi"}
    await client.post("/campaigns", json=new, headers={"traceparent": TRACEPARENT})
    span = only(spans)
    assert span.kind is SpanKind.SERVER
    assert span.name == "POST /campaigns"
    assert span.attributes == {
        "http.request.method": "POST",
        "http.route": "/campaigns",
        "http.response.status_code": 201,
    }
    assert span.status.status_code is StatusCode.UNSET
    context = span.get_span_context()
    assert context is not None
    assert format_trace_id(context.trace_id) == TRACE


async def test_a_phone_number_in_a_path_or_query_is_in_no_span(
    client: httpx2.AsyncClient, spans: InMemorySpanExporter
) -> None:
    await client.get(f"/customers/+{PHONE}?phone={PHONE}")
    assert only(spans).name == "GET /customers/{customer_id}"
    assert PHONE not in only(spans).to_json()
    spans.clear()
    await client.get(f"/{PHONE}")
    assert only(spans).name == "GET"
    assert PHONE not in only(spans).to_json()


@pytest.mark.expects_tracebacks
async def test_a_span_of_an_unexpected_error_has_the_status_error_and_no_values(
    client: httpx2.AsyncClient, connection: Connection, spans: InMemorySpanExporter
) -> None:
    await connection.execute("ALTER TABLE customers ADD CONSTRAINT odd CHECK (location IS NULL)")
    await client.post("/customers", json={"phone": f"+{PHONE}", "location": "x"})
    span = only(spans)
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 500
    assert PHONE not in span.to_json()
