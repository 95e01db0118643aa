"""Times of a call taken from looks at its threads, where its steps are too many to time each."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from application_sdk.monitoring.backends.cpu_tally import CpuTally, Path
from application_sdk.monitoring.backends.thread_clocks import cpu_of, readable_clock

_MOST_BLIND = 5


class Elsewhere(Enum):
    """What a look may find on a thread instead of the call."""

    OTHERS = "something that is not of the call runs"
    NOTHING = "the event loop is between two tasks"


Place = Path | Elsewhere
"""Keys of the call's frames on a thread, outermost first; or what is there instead."""


@dataclass
class _Look:
    """A thread as it was looked at last.

    Attributes:
        since: When, by the clock of ``perf_counter``.
        cpu_since: The thread's own CPU clock then; None where it cannot be read.
        clock: That clock, for other threads to read.
        place: Where the call was on it then.
        others: Whether something that is not of the call was ever seen on it.
    """

    since: float
    cpu_since: float | None
    clock: int | None
    place: Place = Elsewhere.OTHERS
    others: bool = False


class Looks:
    """Charges what has passed between two looks to what the later one has seen.

    A look from another thread often hits the moment at which an event loop gives up the
    interpreter's lock to ask for events. That tells nothing of what ran since the last look:
    what the thread's CPU clock says it has burnt is left to the next look, and the rest is
    waiting.

    Args:
        tally: The call's tally, which times nothing any more and keeps the tree.
        clocks: By thread of an event loop that runs its tasks: its readable clock. The present
            thread is looked at too.

    Attributes:
        awaiting: Whether the call awaits something while it runs nowhere; else it is left
            between two steps, and that time is not its own.
    """

    def __init__(self, tally: CpuTally, clocks: Mapping[int, int | None]) -> None:
        self._tally = tally
        self._home = threading.get_ident()
        self._kept = {self._home, *clocks}
        self._lock = threading.Lock()
        self._looks: dict[int, _Look] = {}
        self._waiting: Path | None = None
        self._ended = False
        self._blind = 0
        self.awaiting = True
        self.enter()
        for thread, clock in clocks.items():
            self._enter(thread, clock)

    @property
    def blind(self) -> bool:
        """Whether one look after the other has found an event loop between two tasks."""
        return self._blind >= _MOST_BLIND

    @property
    def threads(self) -> tuple[int, ...]:
        """The threads that are looked at."""
        return tuple(self._looks)

    def enter(self) -> None:
        """The call, or a part of it, may run on this thread from now on."""
        thread = threading.get_ident()
        if thread not in self._looks:
            # A thread's clock can only be had while it lives, so by itself.
            self._enter(thread, readable_clock(thread))

    def _enter(self, thread: int, clock: int | None) -> None:
        with self._lock:
            if not self._ended and thread not in self._looks:
                self._looks[thread] = _Look(time.perf_counter(), cpu_of(thread, clock), clock)

    def leave(self) -> None:
        """It does not run here any more; the threads of its loops are looked at all along."""
        thread = threading.get_ident()
        if thread in self._kept:
            return
        with self._lock:
            look = self._looks.pop(thread, None)
            if look is not None:
                if isinstance(look.place, Elsewhere):
                    look.place = self._tally.root
                self._charge(thread, look, time.perf_counter())

    def saw(self, places: Mapping[int, Place], waiting: Path | None) -> None:
        """All threads have been looked at.

        Args:
            places: What was seen on each thread.
            waiting: Where the call is suspended if it runs nowhere; None where it is not.
        """
        if not self._lock.acquire(blocking=False):
            return  # a look from a hook that fires in here must not wait for itself
        try:
            now = time.perf_counter()
            self._waiting = waiting
            for thread, place in places.items():
                look = self._looks.get(thread)
                if look is not None:
                    look.place = place
                    look.others = look.others or place is Elsewhere.OTHERS
                    self._charge(thread, look, now)
            self._tally.samples += 1
            self._blind = self._blind + 1 if Elsewhere.NOTHING in places.values() else 0
        finally:
            self._lock.release()

    def end(self) -> None:
        """What has passed since the last look goes where that look went."""
        with self._lock:
            now = time.perf_counter()
            for thread, look in self._looks.items():
                if look.place is Elsewhere.NOTHING and not look.others:
                    # Nothing but the call and its tasks has ever been seen here.
                    look.place = self._tally.root
                self._charge(thread, look, now)
            self._looks.clear()
            self._ended = True

    def _charge(self, thread: int, look: _Look, now: float) -> None:
        passed = now - look.since
        cpu = cpu_of(thread, look.clock)
        burnt = 0.0 if cpu is None or look.cpu_since is None else max(0.0, cpu - look.cpu_since)
        if look.place is Elsewhere.NOTHING:
            busy = min(burnt, passed)
            look.since = now - busy
            passed -= busy
        else:
            look.since, look.cpu_since = now, cpu
        if not isinstance(look.place, Elsewhere):
            self._tally.charge(look.place, (passed, burnt, 0.0))
        elif self._waiting is not None and thread == self._home:
            self._tally.charge(self._waiting, (passed, 0.0, passed))
