"""Captures of workflow runs: many short slices, hours apart, on threads that come and go.

A capture of a call is sampled from its start to its end. Thousands of workflow runs may
be open at a time and nearly all of them wait, so these captures cost something only
while a slice runs: what it took is measured, and where is sampled by a tick that lingers
between slices and is shared by all of them.
"""

from __future__ import annotations

import os
import sys
import threading
import time

from application_sdk.monitoring.backends.sampler import SamplerCapture
from application_sdk.monitoring.backends.stacks import running_codes
from application_sdk.monitoring.model.profile import MemoryProfile
from application_sdk.monitoring.protocols import ProfiledCall
from application_sdk.monitoring.sandbox import load, outside_sandbox
from application_sdk.monitoring.ticker import Tick, ticker

_LINGER_SECONDS = 0.2
_RSS_EVERY_SECONDS = 0.05
_MOST_POINTS = 400


class WorkflowCpuCapture(SamplerCapture):
    """The sampler, at work only while a slice of the run is."""

    def start(self) -> None:
        """Nothing to do until a slice runs."""

    def resume(self) -> None:
        """A slice begins, on this thread."""
        super().resume()
        _slices.entered(self)

    def pause(self, awaiting: bool) -> None:
        """A slice ends; what the run then awaits is known without a sample."""
        super().pause(awaiting)
        _slices.left()
        if awaiting:
            self.sample_waiting()

    def stop(self) -> None:
        """The run has ended."""
        self.tally.end()

    def abandon(self) -> None:
        """Nothing is held between slices."""


class _Slices:
    """The slices that run now, by thread, and the tick that samples them."""

    def __init__(self) -> None:
        self._running: dict[int, WorkflowCpuCapture] = {}
        self._lock = threading.Lock()
        self._tick: Tick | None = None
        self._interval = 0.0
        self._last_used = 0.0

    def entered(self, capture: WorkflowCpuCapture) -> None:
        with self._lock:  # the tick must not go while a slice comes
            self._running[threading.get_ident()] = capture
            self._last_used = time.monotonic()
            if self._tick is None or capture.call.interval < self._interval:
                self._retune(capture.call.interval)

    def left(self) -> None:
        self._running.pop(threading.get_ident(), None)

    def reset(self) -> None:
        self.__init__()  # type: ignore[misc]  # the one way that forgets every lock

    def _retune(self, interval: float) -> None:
        if self._tick is not None:
            if interval >= self._interval:
                return
            ticker.remove(self._tick)
        self._interval = interval
        self._tick = ticker.add(self._sample, interval)

    def _sample(self) -> None:
        for thread, capture in list(self._running.items()):
            if thread in capture.tally.threads:
                capture.sample_running(running_codes(thread), thread)
        if not self._running and time.monotonic() - self._last_used > _LINGER_SECONDS:
            with self._lock:
                if self._tick is not None and not self._running:
                    ticker.remove(self._tick)
                    self._tick = None


_slices = _Slices()


class WorkflowMemoryCapture:
    """The process's RSS at the edges of slices, which is all that can be told of a run."""

    backend = "rss"

    def __init__(self, call: ProfiledCall) -> None:
        call.note(
            "memory of a workflow is the resident set size of the whole process, read when "
            "the workflow runs: allocations cannot be followed inside a workflow"
        )
        self._began = self._read_at = time.perf_counter()
        self._points: list[tuple[float, int]] = [(0.0, _resident_bytes())]

    def start(self) -> None:
        """The first reading is taken already."""

    def resume(self) -> None:
        """A slice begins."""
        self._read()

    def pause(self, awaiting: bool) -> None:
        """A slice ends."""
        self._read()

    def enter_part(self) -> None:
        """Nothing to do: a workflow's own tasks are not followed."""

    def leave_part(self) -> None:
        """Nothing to do: a workflow's own tasks are not followed."""

    def stop(self) -> None:
        """Take the last reading."""
        self._points.append((time.perf_counter() - self._began, _resident_bytes()))

    def abandon(self) -> None:
        """Nothing is held between slices."""

    def half(self) -> MemoryProfile:
        """The memory half: of the whole process, with no trees."""
        sizes = [size for _, size in self._points]
        return MemoryProfile(
            backend=self.backend,
            scope="process",
            rss_before_bytes=sizes[0],
            rss_after_bytes=sizes[-1],
            rss_peak_bytes=max(sizes),
            timeline=tuple((round(seconds, 4), size) for seconds, size in self._points),
        )

    def _read(self) -> None:
        now = time.perf_counter()
        if now - self._read_at < _RSS_EVERY_SECONDS:
            return
        self._read_at = now
        self._points.append((now - self._began, _resident_bytes()))
        if len(self._points) > _MOST_POINTS:
            # The largest of each pair stays, so that a peak is never lost.
            rest = self._points[1:]
            pairs = zip(rest[::2], rest[1::2], strict=False)
            self._points = [self._points[0], *(max(pair, key=lambda p: p[1]) for pair in pairs)]


def _resident_bytes() -> int:
    """The process's resident set size, read beneath the sandbox's restricted ``open``."""
    if sys.platform == "linux":
        descriptor = os.open("/proc/self/statm", os.O_RDONLY)
        try:
            fields = os.read(descriptor, 256).split()
        finally:
            os.close(descriptor)
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")
    with outside_sandbox():
        # psutil looks itself up in sys.modules, where the sandbox's would not have it.
        return int(load("psutil").Process().memory_info().rss)


def reset_after_fork() -> None:
    """In a forked child: none of the parent's slices runs here."""
    _slices.reset()
