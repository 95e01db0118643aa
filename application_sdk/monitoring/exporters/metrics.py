"""Metrics of the monitoring, through the OpenTelemetry that the program itself uses."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from application_sdk.monitoring.exporters.outbox import Outbox
from application_sdk.monitoring.model.profile import Profile

_SDK_METRICS = "application_sdk.observability.metrics"
_API = "opentelemetry.metrics"
_METER = "application_sdk.monitoring"
_MOST_FUNCTIONS = 200
_OTHER = "(other)"

COUNTERS = {
    "monitoring.calls": ("1", "Calls of profiled functions that sampling has accounted for"),
    "monitoring.profiles": ("1", "Calls that were profiled"),
    "monitoring.overhead": ("s", "What monitoring has cost callers"),
    "monitoring.cost": ("s", "What monitoring has cost in all, background work included"),
    "monitoring.send.failures": ("1", "Failed tries to send profiles, and profiles refused"),
    "monitoring.dropped": ("1", "Profiles dropped because a queue was full"),
    "monitoring.degraded": ("1", "Profiles that are less than what was asked for"),
    "monitoring.events": ("1", "Leaks and regressions as they were found"),
}
HISTOGRAMS = {
    "monitoring.call.duration": ("s", "How long profiled calls took"),
    "monitoring.call.rss_peak": ("By", "Largest resident set size during profiled calls"),
    "monitoring.call.peak": ("By", "What profiled calls had allocated at their peak"),
    "monitoring.call.retained": ("By", "What profiled calls had not freed at their end"),
}

_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600)
_BYTES = tuple(2**exponent for exponent in range(10, 38, 2))

# Part of a note, and what it is called as a label: notes hold paths, labels must not.
_REASONS = (
    (" was not used because it cannot be imported", "not_installed"),
    (" was not used because it failed to start", "failed_to_start"),
    (" was not used because", "unavailable"),
    (" failed to stop", "failed_to_stop"),
    ("could not be read", "unreadable_capture"),
    ("max_duration_seconds", "max_duration"),
    ("max_capture_bytes", "max_capture_bytes"),
    ("max_tree_nodes", "max_tree_nodes"),
)


class Metrics:
    """The instruments, made when the first profile comes and OpenTelemetry is loaded.

    A program that has no OpenTelemetry does not get it from here.
    """

    def __init__(self) -> None:
        self._instruments: dict[str, Any] = {}
        self._functions: set[str] = set()
        self._totals: dict[tuple[str, ...], float] = {}

    def record(
        self,
        profile: Profile,
        dropped: int,
        outboxes: Mapping[str, Outbox],
        spent_seconds: float | None = None,
    ) -> None:
        """Record what one profile says, and what has changed of the process's own figures.

        Args:
            profile: The profile.
            dropped: Profiles dropped so far before they were written.
            outboxes: The queues of what is sent.
            spent_seconds: What monitoring has cost so far; None when not known.
        """
        if not self._ready():
            return
        function = {"function": self._bounded(profile.name)}
        calls = profile.sampling.calls_since_previous
        self._add("monitoring.calls", 1 if calls is None else calls, function)
        self._add("monitoring.profiles", 1, {**function, "outcome": profile.outcome})
        self._add("monitoring.overhead", max(0.0, profile.overhead), function)
        self._observe("monitoring.call.duration", profile.duration_seconds, function)
        memory = profile.memory
        if memory is not None:
            self._observe("monitoring.call.rss_peak", memory.rss_peak_bytes, function)
            self._observe("monitoring.call.peak", memory.peak_bytes, function)
            self._observe("monitoring.call.retained", memory.retained_bytes, function)
        for reason in reasons(profile):
            self._add("monitoring.degraded", 1, {"reason": reason})
        self._grown("monitoring.dropped", dropped, queue="delivery")
        for name, box in outboxes.items():
            failures = "monitoring.send.failures"
            self._grown("monitoring.dropped", box.dropped, queue=name)
            self._grown(failures, box.failed_tries, queue=name, kind="unreachable")
            self._grown(failures, box.rejected, queue=name, kind="rejected")
        if spent_seconds is not None:
            self._grown("monitoring.cost", spent_seconds)

    def event(self, kind: str, verdict: str, function: str = "") -> None:
        """Record a leak or regression as it is found.

        Args:
            kind: ``leak`` or ``regression``.
            verdict: What was decided, as the verdict's own word.
            function: What it is about; empty for the whole process.
        """
        if self._ready():
            attributes = {"kind": kind, "verdict": verdict}
            if function:
                attributes["function"] = self._bounded(function)
            self._add("monitoring.events", 1, attributes)

    def _ready(self) -> bool:
        if self._instruments:
            return True
        source = sys.modules.get(_SDK_METRICS)
        if source is None:
            api = sys.modules.get(_API)
            if api is None:
                return False
            source = api.get_meter(_METER)
        for name, (unit, description) in COUNTERS.items():
            self._instruments[name] = source.create_counter(
                name, unit=unit, description=description
            )
        for name, (unit, description) in HISTOGRAMS.items():
            self._instruments[name] = _histogram(source, name, unit, description)
        return True

    def _bounded(self, function: str) -> str:
        if function not in self._functions:
            if len(self._functions) >= _MOST_FUNCTIONS:
                return _OTHER
            self._functions.add(function)
        return function

    def _grown(self, name: str, total: float, **attributes: str) -> None:
        """Add by how much a total has grown since it was last looked at."""
        key = (name, *attributes.values())
        known = key in self._totals
        new = total - self._totals.get(key, 0)
        self._totals[key] = total
        # The zero, too: a server sees growth only in a series that was there before.
        if new > 0 or not known:
            self._add(name, max(0, new), attributes)

    def _add(self, name: str, value: float, attributes: dict[str, str]) -> None:
        self._instruments[name].add(value, attributes)

    def _observe(self, name: str, value: float | None, attributes: dict[str, str]) -> None:
        if value is not None:
            self._instruments[name].record(value, attributes)


def _histogram(source: Any, name: str, unit: str, description: str) -> Any:
    # OpenTelemetry's own boundaries end at 10,000 and begin at 5: made for milliseconds.
    bounds = {"s": _SECONDS, "By": _BYTES}[unit]
    try:
        return source.create_histogram(
            name,
            unit=unit,
            description=description,
            explicit_bucket_boundaries_advisory=bounds,
        )
    except TypeError:  # the SDK's factory and older versions of OpenTelemetry do not take it
        return source.create_histogram(name, unit=unit, description=description)


def reasons(profile: Profile) -> list[str]:
    """Why a profile is less than what was asked for, each reason once."""
    found: dict[str, None] = {}
    for note in profile.notes:
        for part, reason in _REASONS:
            if part in note:
                found[reason] = None
                break
    return list(found)


metrics = Metrics()
"""The process's only ones."""
