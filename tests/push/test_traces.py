from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from application_sdk.monitoring import Profile, configure, flamegraph, memory_profile
from application_sdk.monitoring.calls.kinds import Kind
from application_sdk.monitoring.engine.plan import Options, Plan
from application_sdk.monitoring.engine.workflow_runs import Home
from application_sdk.monitoring.errors import InvalidArgumentError


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


@flamegraph(sample_rate="trace")
def traced() -> int:
    return sum(range(1000))


def test_the_sampled_flag_of_the_span_decides_which_calls_are_profiled(
    profiles: Callable[[], list[Profile]],
) -> None:
    kept = TracerProvider(sampler=ALWAYS_ON).get_tracer("tests")
    left = TracerProvider(sampler=ALWAYS_OFF).get_tracer("tests")
    traced()
    for tracer in (left, kept, left, left, kept):
        with tracer.start_as_current_span("request"):
            traced()
    found = sorted(profiles(), key=lambda profile: profile.started_at)
    assert [profile.sampling.mode for profile in found] == ["trace", "trace"]
    assert [profile.sampling.calls_since_previous for profile in found] == [3, 3]
    assert all(profile.context.trace_id is not None for profile in found)


async def _traced_task() -> int:
    return 1


def test_the_rate_of_a_coroutine_function_can_come_from_the_environment(
    profiles: Callable[[], list[Profile]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAN_MONITORING_SAMPLE_RATE", "trace")
    task = memory_profile(backend="rss")(_traced_task)
    asyncio.run(task())
    with TracerProvider().get_tracer("tests").start_as_current_span("request"):
        asyncio.run(task())
    assert [profile.sampling.mode for profile in profiles()] == ["trace"]


def test_the_rate_can_change_to_the_trace_and_back(
    profiles: Callable[[], list[Profile]],
) -> None:
    work_at_any_rate = flamegraph(_traced_work)
    configure(sample_rate="trace")
    work_at_any_rate()
    assert profiles() == []
    configure(sample_rate=1.0)
    work_at_any_rate()
    assert [profile.sampling.mode for profile in profiles()] == ["fixed"]


def _traced_work() -> int:
    return sum(range(1000))


def test_a_workflow_run_is_profiled_where_a_sampled_span_is_active() -> None:
    home = Home(Plan(_traced_work, Kind.ASYNC, "run", Options(cpu=True)))
    assert home.sampling("run-1", "trace") is None
    with TracerProvider(sampler=ALWAYS_OFF).get_tracer("tests").start_as_current_span("left"):
        assert home.sampling("run-2", "trace") is None
    with TracerProvider().get_tracer("tests").start_as_current_span("kept"):
        sampling = home.sampling("run-3", "trace")
    assert sampling is not None
    assert (sampling.mode, sampling.calls_since_previous) == ("trace", 3)


@pytest.mark.parametrize("rate", ["trase", "", 1.5, -0.1, float("nan")])
def test_any_other_rate_is_refused_with_what_is_allowed(rate: object) -> None:
    with pytest.raises((InvalidArgumentError, TypeError), match="from 0 to 1, or 'trace'"):
        flamegraph(sample_rate=rate)  # type: ignore[call-overload]
    with pytest.raises(InvalidArgumentError, match="from 0 to 1, or 'trace'"):
        configure(sample_rate=rate)
