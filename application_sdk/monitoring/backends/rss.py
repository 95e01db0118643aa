"""The memory backend ``rss``: the resident set size of the whole process over time."""

from __future__ import annotations

import sys
import time

import psutil

from application_sdk.monitoring.model.profile import MemoryProfile
from application_sdk.monitoring.protocols import ProfiledCall
from application_sdk.monitoring.ticker import Tick, ticker

_INTERVAL_SECONDS, _LONGEST_INTERVAL_SECONDS = 0.02, 0.1
_READINGS = 25
_MOST_POINTS = 400


class RssCapture:
    """Reads the process's memory before, during and after a call."""

    backend = "rss"
    follows_steps = False

    def __init__(self, call: ProfiledCall) -> None:
        self._call = call
        self._process = psutil.Process()
        self._began = 0.0
        self._points: list[tuple[float, int]] = []
        self._keep_every = 1
        self._seen = 0
        self._tick: Tick | None = None
        self._before = self._peak = 0
        self._after: int | None = None
        self._record_before = 0

    @property
    def before_bytes(self) -> int:
        """The first reading; 0 before it."""
        return self._before

    def start(self) -> None:
        """Take the first reading."""
        self._began = time.perf_counter()
        self._record_before = _lifetime_peak()
        self._before = self._peak = self._process.memory_info().rss
        self._points = [(0.0, self._before)]
        self._tick = ticker.add(self._read, _INTERVAL_SECONDS)

    def resume(self) -> None:
        """Nothing to do: the process is watched whether the call runs or not."""

    def pause(self, awaiting: bool) -> None:
        """Nothing to do: the process is watched whether the call runs or not."""

    def enter_part(self) -> None:
        """Nothing to do: the process is watched whatever runs."""

    def leave_part(self) -> None:
        """Nothing to do: the process is watched whatever runs."""

    def stop(self) -> None:
        """Take the last reading."""
        self.abandon()
        self._after = self._process.memory_info().rss
        self._peak = max(self._peak, self._after)
        record = _lifetime_peak()
        if record > self._record_before:
            # The process has never been larger, and became so during this call.
            self._peak = max(self._peak, record)
        self._points.append((time.perf_counter() - self._began, self._after))

    def abandon(self) -> None:
        """Stop reading."""
        if self._tick is not None:
            ticker.remove(self._tick)
            self._tick = None

    def half(self) -> MemoryProfile:
        """The memory half: of the whole process, with no trees."""
        return MemoryProfile(
            backend=self.backend,
            scope="process",
            rss_before_bytes=self._before,
            rss_after_bytes=self._after,
            rss_peak_bytes=self._peak,
            timeline=tuple((round(seconds, 4), rss) for seconds, rss in self._points),
        )

    def _read(self) -> None:
        rss = self._process.memory_info().rss
        tick = self._tick
        if tick is not None:
            # Each waking costs a program that waits for much: the longer it runs, the fewer.
            share = (time.perf_counter() - self._began) / _READINGS
            tick.interval = min(max(_INTERVAL_SECONDS, share), _LONGEST_INTERVAL_SECONDS)
        self._peak = max(self._peak, rss)
        self._seen += 1
        if self._seen % self._keep_every:
            return
        self._points = [*self._points, (time.perf_counter() - self._began, rss)]
        if len(self._points) > _MOST_POINTS:
            # Half as fine from now on, so that a call of any length stays small.
            self._points = self._points[:1] + self._points[1::2]
            self._keep_every *= 2


def _lifetime_peak() -> int:
    """The largest resident set size that the process ever had, in bytes; 0 if unknown."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
