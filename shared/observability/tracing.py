"""Trace one act from a click to its mail: through the gateway, applications, the outbox, Celery, documents and
notify.

What crosses a wall is W3C's `traceparent`, in HTTP headers and messages; what waits in a table keeps it in a column. Without an
address for traces nothing is recorded. Spans carry routes, states and ids of applications, never what people typed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import ProxyTracerProvider, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

HEADER = "traceparent"
# Asked every few seconds by machines.
UNTRACED = frozenset({"/healthz", "/readyz", "/metrics", "/internal/switches"})

_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("gongmei")


def configure(service: str, url: str | None, share: float = 1.0) -> None:
    """Send spans to an OTLP/HTTP collector at `url`. After a fork, not before: a thread of its own sends them."""
    if not url:
        return
    # A tenth of a second of every start, which only those who trace need spend.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    provider = TracerProvider(
        resource=Resource.create({"service.name": service, "service.namespace": "gongmei"}),
        # Whoever begins a trace decides for everybody behind.
        sampler=ParentBased(TraceIdRatioBased(share)),
    )
    exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces", timeout=5)
    # Soon: a worker's child may be replaced after any job.
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    trace.set_tracer_provider(provider)


def parent(text: str | None) -> Context:
    """Return the context that a `traceparent` names; none for a missing or broken one."""
    return _propagator.extract({HEADER: text} if text else {}, context=Context())


@contextmanager
def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, *, of: Context | None = None, **attributes: str | int
) -> Iterator[Span]:
    """Give a span around the block, a child of the current one or of the context `of`."""
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    with _tracer.start_as_current_span(name, context=of, kind=kind, attributes=named) as made:
        yield made


@contextmanager
def request(method: str, route: str, of: str | None, about: Mapping[str, str]) -> Iterator[Span]:
    """Give a span around a request that is answered. `of`: the caller's `traceparent`, if it is one of ours."""
    # Where nothing is recorded only somebody else's trace is passed on.
    if route in UNTRACED or (of is None and not recording()):
        yield trace.INVALID_SPAN
        return
    attributes = {"http.request.method": method, "http.route": route, **about}
    with _tracer.start_as_current_span(
        f"{method} {route}", context=parent(of), kind=SpanKind.SERVER, attributes=attributes
    ) as made:
        yield made


def headers() -> dict[str, str]:
    """Return the current span, for the next service; nothing when nothing is recorded."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return {HEADER: carrier[HEADER]} if HEADER in carrier else {}


def current() -> str | None:
    """Return the current span, for a row that somebody else will work off."""
    return headers().get(HEADER)


def of(message: Mapping[str, object] | None) -> Context:
    """Return the context in a message's headers."""
    text = (message or {}).get(HEADER)
    return parent(text if isinstance(text, str) else None)


def recording() -> bool:
    """Tell whether anything is recorded in this process at all."""
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


def answered(made: Span, status: int) -> None:
    """How a request ended; what is our fault is marked as a fault."""
    made.set_attribute("http.response.status_code", status)
    if status >= 500:
        made.set_status(StatusCode.ERROR)
