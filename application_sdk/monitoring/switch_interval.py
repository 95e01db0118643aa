"""Waits that end on time although a busy thread holds the interpreter's lock.

A thread that wakes up has to get the lock. The holder gives it up when somebody has waited
for a whole switch interval (5 ms) in vain; but one that gives it up by itself, as an event
loop does in each round, and takes it back at once, starts that time anew. A thread beside a
busy event loop can so wait for a second, woken and disappointed thousands of times: it costs
the loop a quarter of its speed, and a sampling profiler its samples. With a switch interval
shorter than a round, the holder is asked soon and hands over in the middle of its work.

So there are three intervals: the program's own, a moderate one while wake-ups are frequent, and a
short one where wake-ups have been lost. A short one costs where several threads want to run
Python at once (a tenth of their speed, measured). That shows in how often the process's
threads are switched, and the program's own then comes back for a while.
"""

from __future__ import annotations

import sys
import time

try:
    import resource
except ImportError:  # Windows, whose lock works otherwise
    resource = None  # type: ignore[assignment]
_can_tell_contention = resource is not None
_OWN = getattr(resource, "RUSAGE_THREAD", None)  # Linux

_MODERATE_SECONDS = 1e-3
_SHORT_SECONDS = 50e-6
_LONGEST_WAIT_SECONDS = 0.05
"""Longer waits are of no hurry, and would leave a short interval in force for long."""

_SWITCHES_A_SECOND = {_MODERATE_SECONDS: 700, _SHORT_SECONDS: 5_000}
"""By interval: two threads that take turns at it are switched more often than this."""
_WINDOW_WAITS = 8
"""So many waits are looked at together: what tells is dear to ask for."""
_MOST_TURNS = 10
"""Who waits for native code that keeps the lock wakes up after each interval; more such turns to
a wait than this are a waste."""
_REST_SECONDS = 1.0

_LATE_SECONDS = 0.005
_LOST_CPU_SECONDS = 1e-3
"""A wake-up that got the lock in time takes a few dozen microseconds of CPU time."""
_FIRST_SHORT_SECONDS = 1.0
_FIRST_TRUST_SECONDS = 5.0
_MOST_TRUST_SECONDS = 60.0
_WAITS_IN_TIME = 200


class Promptness:
    """Sets the switch interval for one thread that has to wake up on time.

    Between two waits it stays as it is: the thread gives the lock up at any moment, to
    whoever began to wait for it meanwhile, and has to get it back.
    """

    def __init__(self) -> None:
        self._usual: float | None = None
        self._set = _MODERATE_SECONDS
        self._rests_until = 0.0
        self._short_until: float | None = None
        self._has_lost_once = False
        self._trust_seconds = _FIRST_TRUST_SECONDS
        self._in_time = 0
        self._is_prompt = False
        self._until = self._cpu_seconds = 0.0
        self._waits = 0
        self._window_began = 0.0
        self._window_switches = self._window_turns = 0

    def hurry(self, seconds: float) -> None:
        """Another thread is going to have this one wait for so long, at most."""
        if seconds <= _LONGEST_WAIT_SECONDS and _can_tell_contention and self._usual is None:
            self._choose(time.monotonic())

    def before_wait(self, due: float, until: float, now: float, cpu: float) -> None:
        """The thread is going to wait.

        Args:
            due: When it has something to do; what it does often is to be done on time.
            until: When it is going to wake up, as ``due`` a time of ``time.monotonic``.
            now: The present one.
            cpu: The thread's of ``time.thread_time``.
        """
        self._until = until
        self._is_prompt = due - now <= _LONGEST_WAIT_SECONDS and _can_tell_contention
        if not self._is_prompt:
            self.restore()
            return
        if self._waits % _WINDOW_WAITS == 0:
            self._look_back(now)
            self._choose(now)
        self._waits += 1
        self._cpu_seconds = cpu

    def after_wait(self, now: float) -> None:
        """The thread goes on."""
        if not self._is_prompt or now < (self._short_until or 0.0):
            return
        late = now - self._until
        if late > _LATE_SECONDS and self._has_lost(late):
            # Whether it is still needed then shows by losing once more, which is dear: so it
            # is tried less and less often.
            self._has_lost_once = True
            self._short_until = now + self._trust_seconds
            self._trust_seconds = min(2 * self._trust_seconds, _MOST_TRUST_SECONDS)
            self._rests_until, self._in_time = 0.0, 0
            self._choose(now)
        else:
            self._in_time += 1
            if self._in_time >= _WAITS_IN_TIME:
                self._trust_seconds, self._has_lost_once = _FIRST_TRUST_SECONDS, False

    def restore(self) -> None:
        """Put the program's own interval back, if one of ours is still in force."""
        usual, self._usual = self._usual, None
        # The next frequent wait may be another thread's, whose turns are counted from 0.
        self._waits = 0
        # Whoever has set another one meanwhile meant it.
        if usual is not None and self._is_ours(sys.getswitchinterval()):
            sys.setswitchinterval(usual)

    def _has_lost(self, late: float) -> bool:
        spent = time.thread_time() - self._cpu_seconds
        # Less is a long wait for native code that keeps the lock, more is work of its own.
        if not (spent > _LOST_CPU_SECONDS and late * 0.05 < spent < late * 0.5):
            return False
        if _OWN is None:
            return True
        # Beside native code the thread looks once in an interval, at a loop whenever it turns.
        usual = _MOST_TURNS * ((self._waits - 1) % _WINDOW_WAITS) + 2 * late / _MODERATE_SECONDS
        return _switches()[0] - self._window_turns > usual

    def _choose(self, now: float) -> None:
        if self._short_until is None:
            # A process's first capture may be of a busy loop, and as short.
            self._short_until = now + _FIRST_SHORT_SECONDS
        if now < self._rests_until:
            self.restore()
        else:
            self._shorten(_SHORT_SECONDS if now < self._short_until else _MODERATE_SECONDS)

    def _look_back(self, now: float) -> None:
        turns, switches = _switches()
        if self._waits and self._usual is not None:
            most = (now - self._window_began) * _SWITCHES_A_SECOND[self._set]
            if switches - self._window_switches > most:
                self._rests_until = now + _REST_SECONDS
            if turns - self._window_turns > _MOST_TURNS * _WINDOW_WAITS and not self._has_lost_once:
                self._short_until = now
        self._window_began, self._window_switches, self._window_turns = now, switches, turns

    def _shorten(self, interval: float) -> None:
        present = sys.getswitchinterval()
        if self._usual is None:
            if present <= interval:
                return
            self._usual = present
        elif not self._is_ours(present):
            return  # the program has set one meanwhile
        if not _same(present, interval):
            sys.setswitchinterval(interval)
        self._set = interval

    def _is_ours(self, interval: float) -> bool:
        return _same(interval, self._set)


def _switches() -> tuple[int, int]:
    """How often this thread, and the others of this process, have waited for something so far."""
    if resource is None:
        return 0, 0
    own = 0 if _OWN is None else resource.getrusage(_OWN).ru_nvcsw
    return own, resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - own


def _same(one: float, other: float) -> bool:
    return abs(one - other) < 1e-6
