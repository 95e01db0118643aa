from __future__ import annotations

from collections.abc import Callable

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from application_sdk.monitoring import Profile, flamegraph


@flamegraph(sample_rate=1.0)
def work() -> int:
    return sum(range(1000))


def test_a_span_and_the_profile_of_its_call_name_each_other(
    profiles: Callable[[], list[Profile]],
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("tests").start_as_current_span("request"):
        work()
    (span,) = exporter.get_finished_spans()
    (profile,) = profiles()
    assert span.attributes is not None
    assert span.context is not None
    assert span.attributes["profile.id"] == profile.profile_id
    assert profile.context.span_id == span.attributes["pyroscope.profile.id"]
    assert profile.context.trace_id == f"{span.context.trace_id:032x}"


def test_a_call_outside_of_any_span_has_no_trace(
    profiles: Callable[[], list[Profile]],
) -> None:
    work()
    (profile,) = profiles()
    assert profile.context.trace_id is None
