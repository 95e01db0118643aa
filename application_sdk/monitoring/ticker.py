"""One background thread for all that must happen at intervals while something is captured."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from application_sdk.monitoring.containment import report_fault
from application_sdk.monitoring.pace import Pace
from application_sdk.monitoring.switch_interval import Promptness

THREAD_NAME = "monitoring-ticker"
_due = attrgetter("due")


@dataclass(eq=False)
class Tick:
    """A callback and when it is due; both in the clock of ``time.monotonic``."""

    callback: Callable[[], None]
    interval: float
    due: float


class Ticker:
    """Calls callbacks at intervals, from a thread that lives only while there are any.

    Between two ticks the program has the processor's caches to itself, and it waits while this
    thread finds its own again: the way from one wait to the next is as short as can be.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ticks: tuple[Tick, ...] = ()
        self._thread: threading.Thread | None = None
        # Held unless the thread is to wake up before time: cheaper to wait for than an event.
        self._asleep = threading.Lock()
        self._asleep.acquire()
        self._promptness = Promptness()
        self._pace = Pace()

    def add(self, callback: Callable[[], None], interval: float) -> Tick:
        """Call ``callback`` every ``interval`` seconds until it is removed.

        A callback that raises is logged once and stays; it should be quick, for all
        share the thread.
        """
        tick = Tick(callback, interval, time.monotonic() + interval)
        with self._lock:
            self._set((*self._ticks, tick))
            # Even the thread's next step may else be kept waiting, by the one that runs here.
            self._promptness.hurry(interval)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
                self._thread.start()
            self._wake()
        return tick

    def remove(self, tick: Tick) -> None:
        """Stop calling a callback; a call that is under way may still finish."""
        with self._lock:
            self._set(tuple(kept for kept in self._ticks if kept is not tick))
            self._wake()

    def reset(self) -> None:
        """Start anew in a forked child, where the thread does not exist."""
        self._promptness.restore()
        self.__init__()  # type: ignore[misc]  # the one way that forgets every lock

    def _set(self, ticks: tuple[Tick, ...]) -> None:
        self._ticks = ticks
        if ticks:
            self._pace.retune(min(tick.interval for tick in ticks))

    def _wake(self) -> None:
        if self._asleep.locked():
            self._asleep.release()

    def _run(self) -> None:
        promptness, pace = self._promptness, self._pace
        pace.begin()
        while True:
            ticks = self._ticks
            if not ticks:
                if self._ends():
                    return
                continue
            now, cpu = time.monotonic(), time.thread_time()
            due = min(map(_due, ticks))
            until = max(due, now + pace.pause(now, cpu))
            promptness.before_wait(due, until, now, cpu)
            self._asleep.acquire(timeout=max(0.0, until - now))
            now = time.monotonic()
            promptness.after_wait(now)
            for tick in self._ticks:
                if tick.due > now:
                    continue
                try:
                    tick.callback()
                except Exception:
                    report_fault("running a periodic task")
                # From now, not from when it was due: a thread that was kept waiting must
                # not make up for it with a burst.
                tick.due = time.monotonic() + tick.interval

    def _ends(self) -> bool:
        with self._lock:
            if self._ticks:
                return False
            self._promptness.restore()
            self._thread = None
            return True


ticker = Ticker()
"""The process's only one."""
