"""Turns that come on time although a busy thread holds the interpreter's lock.

A thread that wakes up has to get the lock. The holder gives it up when somebody has waited
for a whole switch interval (5 ms) in vain; but one that gives it up by itself, as an event
loop does in each round, and takes it back at once, starts that time anew. A thread beside a
busy event loop can so wait for seconds, woken and disappointed thousands of times: it costs
the loop a quarter of its speed, and a sampling profiler its samples. With a switch interval
shorter than a round, the holder is asked soon and hands over in the middle of its work.

A short interval costs only where several threads want to run Python at once (a tenth of
their speed, measured). That shows in how often the process's threads are switched, and the
usual interval then stays for a while.
"""

from __future__ import annotations

import sys
import time

try:
    import resource
except ImportError:  # Windows, whose lock works otherwise
    _can_tell_contention = False
else:
    _can_tell_contention = True
    _OWN = getattr(resource, "RUSAGE_THREAD", None)  # Linux

_SHORT_SECONDS = 50e-6
_LONGEST_WAIT_SECONDS = 0.05
"""Longer waits are of no hurry, and would leave the short interval in force for long."""
_SWITCHES_A_SECOND = 5_000
"""Two threads that take turns at the short interval are switched more often than this."""
_SHORTEST_WAIT_SECONDS = 0.005
"""Shorter ones, which something else has ended, are too short to tell."""
_MOST_CONTENDED = 2
"""So many waits with as many switches may be a coincidence."""
_REST_SECONDS = 0.25
_STARVED_CPU_SECONDS = 1e-3
"""A wake-up that got the lock in time takes a few dozen microseconds of CPU time."""


class Promptness:
    """Keeps the switch interval short while one thread has to wake up on time.

    Between two waits it stays short too: the thread gives the lock up at any moment, to
    whoever began to wait for it meanwhile, and has to get it back.
    """

    def __init__(self) -> None:
        self._usual: float | None = None
        self._rests_until = 0.0
        self._began = 0.0
        self._switches = 0
        self._contended = 0
        self._cpu_seconds = 0.0

    def before_wait(self, seconds: float) -> None:
        """The thread is going to wait for so long, at most; another one may say so for it."""
        self._began = time.monotonic()
        if seconds > _LONGEST_WAIT_SECONDS or not _can_tell_contention:
            self.restore()
        elif self._began < self._rests_until:
            self.restore()
            self._cpu_seconds = time.thread_time()
        else:
            self._shorten()
            self._switches = _switches()

    def after_wait(self) -> None:
        """The thread goes on."""
        if self._usual is not None:
            now = time.monotonic()
            waited = now - self._began
            switches = _switches() - self._switches
            if waited < _SHORTEST_WAIT_SECONDS:
                return
            if switches < waited * _SWITCHES_A_SECOND:
                self._contended = 0
            elif self._contended < _MOST_CONTENDED:
                self._contended += 1
            else:
                self._rests_until = now + _REST_SECONDS
        elif self._rests_until and time.thread_time() - self._cpu_seconds > _STARVED_CPU_SECONDS:
            self._rests_until = 0.0

    def restore(self) -> None:
        """Put the usual interval back, if the short one is still in force."""
        usual, self._usual = self._usual, None
        # Whoever has set another one meanwhile meant it.
        if usual is not None and _is_short(sys.getswitchinterval()):
            sys.setswitchinterval(usual)

    def _shorten(self) -> None:
        usual = sys.getswitchinterval()
        if usual > _SHORT_SECONDS and not _is_short(usual):
            self._usual = usual
            sys.setswitchinterval(_SHORT_SECONDS)


def _switches() -> int:
    """How often the other threads of this process have waited for something so far."""
    own = 0 if _OWN is None else resource.getrusage(_OWN).ru_nvcsw
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - own


def _is_short(interval: float) -> bool:
    return abs(interval - _SHORT_SECONDS) < 1e-6
