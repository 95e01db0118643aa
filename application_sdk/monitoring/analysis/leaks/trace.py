"""Phase two: which call paths keep the memory? With every allocation traced."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from application_sdk.monitoring.analysis.leaks.growth import Progress
from application_sdk.monitoring.analysis.leaks.meter import Meter
from application_sdk.monitoring.analysis.leaks.readings import Level
from application_sdk.monitoring.analysis.leaks.steps import Step
from application_sdk.monitoring.protocols import GrowthTracer, TracedGrowth
from application_sdk.monitoring.registry import growth_tracers

BLOCKS = 5
"""The first one is not judged: bounded things fill up again, as seen by the trace."""

_PILOT_CALLS = 8
_MOST_RECORDS = 1_500_000
_MOST_CALLS_A_BLOCK = 10_000
_SECONDS_A_BLOCK = 0.4
_TRACED_SLOWDOWN = 4
_UNHURRIED_SECONDS = 10.0
"""What tracing and reading may take; with less time left, less is traced."""
_LEAST_SHARE = 0.02
_LONGER = 6
"""How many times more calls a second trace has."""


@dataclass(frozen=True)
class Trace:
    """What was traced.

    Attributes:
        growth: Live memory per call path at each border between blocks.
        calls: Calls in all blocks but the first.
        blocks_per_call: Small objects gained per call in them, as the heap itself said.
    """

    growth: TracedGrowth
    calls: int
    blocks_per_call: float


def trace_growth(
    meter: Meter,
    call_seconds: float,
    calls_left: int,
    seconds_left: float,
    progress: Progress,
    before: Trace | None = None,
) -> Generator[Step, None, Trace]:
    """Trace blocks of calls.

    Args:
        meter: Counts them.
        call_seconds: What one call takes untraced.
        calls_left: How many calls may be made.
        seconds_left: How long it may take, as far as that can be foreseen.
        progress: Told what happens.
        before: A first trace that was too short: several times more calls are traced.

    Raises:
        BackendUnavailable: If allocations cannot be traced here and now.
    """
    progress("memory grows steadily; tracing allocations to name the lines")
    make_tracer = growth_tracers.get("memray")
    if before is None:
        longer, pilot_calls = 1, max(1, min(_PILOT_CALLS, calls_left // 8))
        pilot, _ = yield from _trace(meter, make_tracer(), 1, pilot_calls)
        records = pilot.record_count / pilot_calls
    else:
        longer, pilot_calls = _LONGER, 0
        records = before.growth.record_count / before.calls
    share = min(1.0, max(_LEAST_SHARE, seconds_left / _UNHURRIED_SECONDS))
    calls = int(
        min(
            share * _MOST_RECORDS / BLOCKS / max(1.0, records),
            longer * share * _SECONDS_A_BLOCK / max(call_seconds * _TRACED_SLOWDOWN, 1e-7),
            longer * share * _MOST_CALLS_A_BLOCK,
            (calls_left - pilot_calls) / BLOCKS,
        )
    )
    calls = max(4, calls)
    growth, levels = yield from _trace(meter, make_tracer(), BLOCKS, calls)
    progress("reading the trace")
    judged = calls * (BLOCKS - 1)
    return Trace(growth, judged, (levels[-1].blocks - levels[1].blocks) / judged)


def _trace(
    meter: Meter, tracer: GrowthTracer, blocks: int, calls: int
) -> Generator[Step, None, tuple[TracedGrowth, list[Level]]]:
    tracer.start()
    try:
        levels = [meter.level()]
        tracer.mark()
        for _ in range(blocks):
            yield from meter.run(calls)
            levels.append(meter.level())
            tracer.mark()
    finally:
        tracer.stop()
    return tracer.read(), levels
