"""One function's durations, and what is done when they shift.

Everything here runs where a call has left the straight path already (docs/adr/0011).
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from application_sdk.monitoring.containment import report_fault
from application_sdk.monitoring.engine.budget import budget
from application_sdk.monitoring.engine.fork import forget_on_fork
from application_sdk.monitoring.model.profile import Profile, SamplingInfo
from application_sdk.monitoring.profile_hook import profile_hook
from application_sdk.monitoring.protocols import ProfiledCall
from application_sdk.monitoring.settings import current_settings
from application_sdk.monitoring.ticker import Tick, ticker

if TYPE_CHECKING:
    from application_sdk.monitoring.analysis.regressions.duration_shift import (
        DurationShift,
        DurationShiftDetector,
    )
    from application_sdk.monitoring.analysis.regressions.duration_sketch import DurationSketch
    from application_sdk.monitoring.engine.plan import Resolved

PLAIN = "plain"
"""How calls run that are not profiled."""

CAPTURE_WITHIN_SECONDS = 60.0
LONGEST_CAPTURE_SECONDS = 60.0
_SAMPLES_A_CALL = 100
_SHORTEST_INTERVAL = 0.001
_MOST_WAYS = 4

speed = 1.0
"""How many of the detectors' seconds pass in one; tests let hours pass."""

_watches: weakref.WeakSet[DurationWatch] = weakref.WeakSet()


class _Episode:
    """A slow-down that has been noticed, until it is announced.

    Attributes:
        shift: What was noticed.
        good_until: Profiles that began before are of the time when all was well.
        profile_id: The capture's; None while no call has been found for it.
        is_late: Whether the capture has been given one turn more to end.
    """

    def __init__(self, shift: DurationShift, good_until: datetime) -> None:
        self.shift = shift
        self.good_until = good_until
        self.profile_id: str | None = None
        self.is_late = False


class DurationWatch:
    """Watches one decorated function.

    Args:
        name: What the function's profiles are called.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.reset()

    def reset(self) -> None:
        """Forget everything: in a forked child, and when the watch is switched off."""
        # Never waited for: a call goes on without being counted rather than late.
        self._observing = threading.Lock()
        self._lock = threading.Lock()
        self._detectors: dict[str, DurationShiftDetector] = {}
        self._told: str | None = None
        self._pending: _Episode | None = None
        self._deadline: Tick | None = None

    @property
    def sketches(self) -> dict[str, DurationSketch]:
        """All durations so far, by how the calls ran: ``plain``, or the backends' names."""
        return {way: detector.durations for way, detector in self._detectors.items()}

    def begin(self, resolve: Callable[[], Resolved]) -> float | None:
        """A call that is not profiled begins.

        Args:
            resolve: Tells what holds for the call.

        Returns:
            What ``end`` takes; None when the call's duration would say nothing.
        """
        try:
            resolved = resolve()
            if not (resolved.enabled and resolved.process.regression_detection):
                self._switch_off()
                return None
        except Exception:
            report_fault("watching the durations of a function")
            return None
        return None if profile_hook.holder else time.perf_counter()

    def end(self, began: float) -> None:
        """The call has returned; never raises a fault of its own."""
        if not profile_hook.holder:
            self._observe(PLAIN, time.perf_counter() - began)

    def ask(self, resolved: Resolved, sampled: bool) -> SamplingInfo | None:
        """Whether the call that begins is the capture that a slow-down is worth.

        Args:
            resolved: What holds for the call.
            sampled: Whether its CPU is profiled anyway, so that it costs nothing more.
        """
        pending = self._pending
        if pending is None or pending.profile_id is not None:
            return None
        if resolved.sample_rate == 0:
            self._give_up(pending, "sample_rate is 0")
            return None
        if not sampled and budget.seconds_until(0.0) > 0:
            return None
        return SamplingInfo(mode="adaptive")

    def bounded(self, resolved: Resolved) -> Resolved:
        """The settings of that capture: a bounded one, with enough samples of a short call."""
        pending = self._pending
        interval = resolved.interval
        if pending is not None:
            fine = max(_SHORTEST_INTERVAL, pending.shift.after_seconds / _SAMPLES_A_CALL)
            interval = min(interval, fine)
        longest = min(resolved.max_duration_seconds, LONGEST_CAPTURE_SECONDS)
        return replace(resolved, interval=interval, max_duration_seconds=longest)

    def captured_by(self, call: ProfiledCall) -> None:
        """The capture has begun."""
        pending = self._pending
        if pending is not None:
            pending.profile_id = call.identity
            call.note(f"profiled because calls have become {pending.shift.ratio:.2f} times as long")

    def delivered(self, profile: Profile, files: list[Path]) -> list[Path]:
        """A profile of the function is written; runs on the delivery thread.

        Returns:
            What was written beside it.
        """
        settings = current_settings()
        if not (settings.regression_detection and settings.enabled):
            return []
        pending = self._pending
        if pending is not None and pending.profile_id == profile.profile_id:
            return self._conclude(pending, profile, files)
        if profile.outcome == "returned":
            from application_sdk.monitoring.analysis.regressions.duration_baseline import way_of

            self._observe(way_of(profile), profile.duration_seconds)
        return []

    def _observe(self, way: str, seconds: float) -> None:
        if not self._observing.acquire(blocking=False):
            return
        began = time.perf_counter()
        try:
            now = time.monotonic() * speed
            shift = self._detector(way).observe(seconds, now)
            if shift is not None:
                self._changed(shift, way, now)
        except Exception:
            report_fault("watching the durations of a function")
        finally:
            self._observing.release()
        budget.spend(time.perf_counter() - began, "watching")

    def _detector(self, way: str) -> DurationShiftDetector:
        detector = self._detectors.get(way)
        if detector is None:
            from application_sdk.monitoring.analysis.regressions.duration_shift import (
                DurationShiftDetector,
            )
            from application_sdk.monitoring.engine.duration_watch.known_good import known_good

            forget_on_fork()
            _watches.add(self)
            if len(self._detectors) >= _MOST_WAYS:
                oldest = next(iter(self._detectors))
                del self._detectors[oldest]
                self._told = None if self._told == oldest else self._told
            detector = DurationShiftDetector(known_good(self._name, way))
            self._detectors[way] = detector
        return detector

    def _changed(self, shift: DurationShift, way: str, now: float) -> None:
        if self._told not in (None, way):
            return  # the same slow-down, seen in calls that run in another way
        pending = self._pending
        if shift.verdict == "recovered":
            self._told = None
            if pending is not None:
                self._give_up(pending, "it was over before a call was profiled")
            self._announce(shift)
            return
        self._told = way
        if pending is None:
            passed = timedelta(seconds=(now - shift.since) / speed)
            with self._lock:
                self._pending = _Episode(shift, datetime.now(UTC) - passed)
                self._deadline = ticker.add(self._too_late, CAPTURE_WITHIN_SECONDS)

    def _too_late(self) -> None:
        """No capture has been written in time; the ticker calls this."""
        pending = self._pending
        if pending is None:
            return
        if pending.profile_id is None:
            self._give_up(pending, "no call began that the overhead budget could afford")
        elif pending.is_late:
            self._give_up(pending, "the call that is profiled has not ended yet")
        else:
            pending.is_late = True

    def _conclude(self, pending: _Episode, profile: Profile, files: list[Path]) -> list[Path]:
        from application_sdk.monitoring.engine.duration_watch.evidence import write_diff

        if not self._settle(pending):
            return []
        page, reason = write_diff(profile, files, pending.shift, pending.good_until)
        self._announce(pending.shift, page, files, reason)
        return [] if page is None else [page]

    def _give_up(self, pending: _Episode, reason: str) -> None:
        if self._settle(pending):
            self._announce(pending.shift, reason=reason)

    def _settle(self, pending: _Episode) -> bool:
        """End the wait for a capture; whether this was the first to do so."""
        with self._lock:
            if self._pending is not pending:
                return False
            self._pending = None
            deadline, self._deadline = self._deadline, None
        if deadline is not None:
            ticker.remove(deadline)
        return True

    def _switch_off(self) -> None:
        if self._detectors:
            if self._pending is not None:
                self._settle(self._pending)
            self.reset()

    def _announce(
        self,
        shift: DurationShift,
        page: Path | None = None,
        files: list[Path] | None = None,
        reason: str | None = None,
    ) -> None:
        from application_sdk.monitoring.engine.duration_watch.announcement import announce_shift

        announce_shift(self._name, shift, page, files or [], reason)


def reset_after_fork() -> None:
    """In a forked child: its functions have no past of their own yet."""
    for watch in list(_watches):
        watch.reset()
    _watches.clear()
