"""One background thread for all that must happen at intervals while something is captured."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from application_sdk.monitoring.containment import report_fault
from application_sdk.monitoring.switch_interval import Promptness

THREAD_NAME = "monitoring-ticker"


@dataclass(eq=False)
class Tick:
    """A callback and when it is due; both in the clock of ``time.monotonic``."""

    callback: Callable[[], None]
    interval: float
    due: float


class Ticker:
    """Calls callbacks at intervals, from a thread that lives only while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ticks: list[Tick] = []
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._promptness = Promptness()

    def add(self, callback: Callable[[], None], interval: float) -> Tick:
        """Call ``callback`` every ``interval`` seconds until it is removed.

        A callback that raises is logged once and stays; it should be quick, for all
        share the thread.
        """
        tick = Tick(callback, interval, time.monotonic() + interval)
        with self._lock:
            self._ticks.append(tick)
            # Even the thread's next step may else be kept waiting, by the one that runs here.
            self._promptness.hurry(interval)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
                self._thread.start()
        self._wake.set()
        return tick

    def remove(self, tick: Tick) -> None:
        """Stop calling a callback; a call that is under way may still finish."""
        with self._lock:
            if tick in self._ticks:
                self._ticks.remove(tick)
        self._wake.set()

    def reset(self) -> None:
        """Start anew in a forked child, where the thread does not exist."""
        self._promptness.restore()
        self.__init__()  # type: ignore[misc]  # the one way that forgets every lock

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._ticks:
                    self._promptness.restore()
                    self._thread = None
                    return
                next_due = min(tick.due for tick in self._ticks)
            seconds = max(0.0, next_due - time.monotonic())
            self._promptness.before_wait(seconds)
            self._wake.wait(seconds)
            self._wake.clear()
            self._promptness.after_wait()
            self._call_due()

    def _call_due(self) -> None:
        now = time.monotonic()
        with self._lock:
            due = [tick for tick in self._ticks if tick.due <= now]
        for tick in due:
            try:
                tick.callback()
            except Exception:
                report_fault("running a periodic task")
            # From now, not from when it was due: a thread that was kept waiting must
            # not make up for it with a burst.
            tick.due = time.monotonic() + tick.interval * (2 if self._promptness.dear else 1)


ticker = Ticker()
"""The process's only one."""
