"""The whole check as one generator: growth, then sites, then the report."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime

from application_sdk.monitoring.analysis.leaks.bounded import BoundedContainers
from application_sdk.monitoring.analysis.leaks.budget import Budget, use_now
from application_sdk.monitoring.analysis.leaks.conclusion import (
    Estimate,
    estimate,
    object_size,
    seen_again,
    unexplained,
)
from application_sdk.monitoring.analysis.leaks.growth import Bounds, Growth, Progress, find_growth
from application_sdk.monitoring.analysis.leaks.judgement import judge
from application_sdk.monitoring.analysis.leaks.limits import memory_limit
from application_sdk.monitoring.analysis.leaks.meter import Meter
from application_sdk.monitoring.analysis.leaks.native_lines import find_native_lines
from application_sdk.monitoring.analysis.leaks.own_code import OwnCode
from application_sdk.monitoring.analysis.leaks.readings import HeapReader, frozen_heap
from application_sdk.monitoring.analysis.leaks.report import LeakCheckVerdict, LeakReport, LeakSite
from application_sdk.monitoring.analysis.leaks.retained import retained_profile
from application_sdk.monitoring.analysis.leaks.sites import GrowingSites, find_sites
from application_sdk.monitoring.analysis.leaks.steps import Investigation, Step
from application_sdk.monitoring.analysis.leaks.trace import Trace, trace_growth
from application_sdk.monitoring.protocols import BackendUnavailable

_FEWEST_TRACED = 40
"""Calls to trace even where the budget is used up: better than a leak without a name."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is checked.

    Attributes:
        name: ``module.qualname``, or a test's id.
        file: The file that defines it, empty when unknown.
    """

    name: str
    file: str


def investigate(
    target: Target,
    min_bytes_per_call: float,
    max_seconds: float,
    progress: Progress | None = None,
    before_reading: Callable[[], object] | None = None,
) -> Investigation[LeakReport]:
    """Find out whether a target leaks; whoever drives this makes the calls.

    Args:
        target: What is checked.
        min_bytes_per_call: Growth that is no leak.
        max_seconds: The most seconds to spend.
        progress: Told what is going on.
        before_reading: Called before each reading of the heap.
    """
    case = _Case(target, min_bytes_per_call, progress or _silent)
    reader = HeapReader(before_reading)
    if reader.native_source != "heap":
        case.notes.append(
            "this platform does not tell the size of the C heap; the resident set stood in"
        )
    containers = BoundedContainers()
    with frozen_heap():
        meter = case.meter = Meter(reader)
        start = use_now(0)
        available = _available_bytes()
        growth = yield from find_growth(
            meter, Bounds(min_bytes_per_call, max_seconds, available), case.progress, containers
        )
        if growth.answer == "calm":
            return case.clean(growth)
        if growth.answer == "open":
            return case.report("inconclusive", growth, f"No verdict, because {growth.reason}.")
        last = growth.blocks[-1]
        left = Budget(available, start).calls_left(start, use_now(meter.calls))
        try:
            trace = yield from trace_growth(
                meter,
                last.call_seconds / last.calls,
                max(left, _FEWEST_TRACED),
                max_seconds - meter.seconds,
                case.progress,
            )
        except BackendUnavailable as unavailable:
            return case.untraced(growth, str(unavailable))
        if case.has_stopped(growth, trace):
            again = yield from meter.block(last.calls, max_seconds)
            if again is not None and judge([again.ceiling], min_bytes_per_call, last=True).calm:
                return case.stopped(growth)
            if again is not None and again.ceiling.net > min_bytes_per_call:
                # A buffer of many megabytes is moved to a larger place so rarely that the
                # trace was too short to see it.
                trace = yield from trace_growth(
                    meter,
                    again.call_seconds / again.calls,
                    left - trace.calls - again.calls,
                    max_seconds - meter.seconds,
                    case.progress,
                    trace,
                )
        lines = yield from case.native_lines(growth, trace, reader, left - trace.calls)
        return case.traced(growth, trace, lines)


class _Case:
    """Collects what is found and words the report."""

    meter: Meter

    def __init__(self, target: Target, floor: float, progress: Progress) -> None:
        self._target = target
        self._floor = floor
        self.progress = progress
        self.notes: list[str] = []
        self._is_own = OwnCode(target.file)
        self._started_at = datetime.now(UTC)

    def clean(self, growth: Growth) -> LeakReport:
        if growth.held_for_a_while:
            text = f"No leak: {growth.reason}."
        else:
            found = estimate(growth.blocks)
            text = (
                f"No leak: after {self.meter.calls} calls the live heap gains "
                f"{found.value:.0f} bytes a call, below the floor of {self._floor:g}."
            )
        return self.report("clean", growth, text)

    def has_stopped(self, growth: Growth, trace: Trace) -> bool:
        """Whether the traced calls grew nothing: a cache may just have become full."""
        sites = find_sites(trace.growth, trace.calls, self._is_own)
        return not seen_again(growth.blocks, trace, sites)

    def stopped(self, growth: Growth) -> LeakReport:
        return self.report(
            "clean",
            growth,
            f"No leak: the heap grew for a while, and has stopped within {self.meter.calls} calls.",
        )

    def untraced(self, growth: Growth, reason: str) -> LeakReport:
        found = estimate(growth.blocks)
        self.notes.append(f"allocations were not traced because {reason}: no line can be named")
        return self.report(
            "leak",
            growth,
            f"Each call leaves about {found.value:.0f} bytes behind, steadily over "
            f"{self.meter.calls} calls; the lines are not known because {reason}.",
        )

    def native_lines(
        self, growth: Growth, trace: Trace, reader: HeapReader, calls_left: int
    ) -> Generator[Step, None, list[LeakSite]]:
        sites = find_sites(trace.growth, trace.calls, self._is_own)
        native = unexplained(estimate(growth.blocks, object_size(trace)), sites)
        if native < self._floor / 2:
            return []
        self.progress("looking for the line that takes native memory")
        return (
            yield from find_native_lines(
                self.meter, reader.native, self._is_own, native, calls_left
            )
        )

    def traced(self, growth: Growth, trace: Trace, lines: list[LeakSite]) -> LeakReport:
        sites = find_sites(trace.growth, trace.calls, self._is_own).joined_by(lines)
        found = estimate(growth.blocks, object_size(trace))
        if found.value < self._floor:
            return self.report(
                "clean",
                growth,
                f"No leak: each call keeps {found.value:.0f} bytes, below the floor of "
                f"{self._floor:g}.",
                found,
                native=0.0,
            )
        if not seen_again(growth.blocks, trace, sites):
            return self.report(
                "inconclusive",
                growth,
                "No verdict, because the heap grew while nothing was traced and no longer "
                "did when it was.",
                found,
            )
        native = unexplained(found, sites)
        return self.report(
            "leak", growth, _leak_text(found, sites, native, self.meter.calls), found, native, sites
        )

    def report(
        self,
        verdict: LeakCheckVerdict,
        growth: Growth,
        explanation: str,
        found: Estimate | None = None,
        native: float | None = None,
        sites: GrowingSites | None = None,
    ) -> LeakReport:
        if found is None and growth.blocks:
            found = estimate(growth.blocks)
        seconds = self.meter.seconds
        return LeakReport(
            verdict=verdict,
            target=self._target.name,
            bytes_per_call=found.value if found else None,
            confidence_interval=(found.low, found.high) if found else None,
            native_bytes_per_call=native,
            calls=self.meter.calls,
            seconds=seconds,
            sites=sites.sites if sites else [],
            profile=None
            if sites is None
            else retained_profile(self._target.name, self._started_at, seconds, sites.tree),
            explanation=explanation,
            notes=tuple(self.notes),
        )


def _leak_text(found: Estimate, sites: GrowingSites, native: float, calls: int) -> str:
    text = f"Each call leaves {found.value:.0f} bytes behind, steadily over {calls} calls"
    if native:
        text += f"; {native:.0f} of them are native memory that no allocation site explains"
    if sites.sites:
        first = sites.sites[0]
        text += f"; most of it comes from {first.function} ({first.file}:{first.line})"
    return text + "."


def _available_bytes() -> int:
    import psutil

    available = int(psutil.virtual_memory().available)
    limit = memory_limit()
    if limit is None:
        return available
    return max(0, min(available, limit - int(psutil.Process().memory_info().rss)))


def _silent(_text: str) -> None:
    """Progress that nobody asked for."""
