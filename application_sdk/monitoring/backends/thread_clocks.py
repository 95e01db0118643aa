"""CPU clocks of threads, as other threads read them."""

from __future__ import annotations

import threading
import time

READS_OTHER_CLOCKS = hasattr(time, "pthread_getcpuclockid")
"""Whether one thread may read the CPU clock of another on this platform."""


def readable_clock(thread: int) -> int | None:
    """A live thread's CPU clock, which may be read even after the thread has ended."""
    return time.pthread_getcpuclockid(thread) if READS_OTHER_CLOCKS else None


def cpu_of(thread: int, clock: int | None) -> float | None:
    """What a thread's CPU clock shows, in seconds; None where it cannot be read."""
    if thread == threading.get_ident():
        return time.thread_time()
    if clock is None:
        return None
    try:
        return time.clock_gettime(clock)
    except OSError:
        return None  # the thread has ended
