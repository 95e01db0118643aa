"""What a piece of work cost: CPU time plus the time it chose to wait, never the queue for a core.

On saturated cores wall time is mostly the wait for a turn and says nothing about the work. The
thread's CPU clock does not see that wait, but neither does it see work that sleeps or waits for
I/O. The kernel knows both: it counts how often a thread blocked of its own accord, and how long
it stood ready to run without a core.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

_COUNTS_SWITCHES = sys.platform == "linux"
if sys.platform == "linux":
    import resource

_WAITS_SHARE = 0.03
_OTHER_THREADS_SHARE = 0.02


class Reading(NamedTuple):
    """What the clocks say of one stretch of work, in seconds.

    Attributes:
        wall: Elapsed time.
        cpu: CPU time of the calling thread.
        waited: Time it blocked of its own accord, other threads' work for it included;
            None where the system does not tell that apart from waiting for a core.
    """

    wall: float
    cpu: float
    waited: float | None


class _Marks(NamedTuple):
    wall: float
    cpu: float
    process_cpu: float
    blocks: int
    delays: dict[str, float] | None


class CostMeter:
    """Reads the clocks around stretches of work on the thread that starts it."""

    def __init__(self) -> None:
        self._tells_waiting = _kernel_tells_waiting()
        self._begun: _Marks | None = None

    def start(self) -> None:
        """Begin a stretch."""
        self._begun = self._marks_first() if self._tells_waiting else self._plain()

    def stop(self) -> Reading:
        """End the stretch that ``start`` began, on the same thread."""
        wall, cpu, process_cpu = time.perf_counter(), time.thread_time(), time.process_time()
        begun = self._begun
        if begun is None:
            raise RuntimeError("stop() without start()")
        self._begun = None
        elapsed, burnt = wall - begun.wall, cpu - begun.cpu
        if begun.delays is None:
            return Reading(elapsed, burnt, None)
        if _voluntary_switches() == begun.blocks:
            # It never blocked: all that is not CPU time was the queue for a core.
            return Reading(elapsed, burnt, 0.0)
        delays = _run_delays()
        # Threads that began or ended meanwhile count from or to zero, unseen in between.
        delay = sum(
            max(0.0, after - begun.delays.get(thread, 0.0)) for thread, after in delays.items()
        )
        others = process_cpu - begun.process_cpu - burnt
        if others > _OTHER_THREADS_SHARE * elapsed:
            # Delays of threads that run side by side overlap; they count once in the wall time.
            side_by_side = max(1.0, (burnt + others + delay) / elapsed)
            delay /= side_by_side
        else:
            own = _own_thread()
            delay = max(0.0, delays[own] - begun.delays[own])
        return Reading(elapsed, burnt, max(0.0, elapsed - delay - burnt))

    def _plain(self) -> _Marks:
        return _Marks(time.perf_counter(), time.thread_time(), time.process_time(), 0, None)

    def _marks_first(self) -> _Marks:
        delays = _run_delays()
        blocks = _voluntary_switches()
        process_cpu, cpu, wall = time.process_time(), time.thread_time(), time.perf_counter()
        return _Marks(wall, cpu, process_cpu, blocks, delays)


def costs(
    baseline: Sequence[Reading], candidate: Sequence[Reading]
) -> tuple[list[float], list[float], str]:
    """One cost for each reading, and what it is, in words.

    Where the system does not say what was waiting, work that hardly ever waits is measured by its
    CPU clock and other work by wall time, the same for both sides.
    """
    readings = [*baseline, *candidate]
    if all(reading.waited is not None for reading in readings):
        waits = sum(reading.waited or 0.0 for reading in readings)
        if waits <= 0.001 * sum(reading.cpu for reading in readings):
            name = "CPU time"
        else:
            name = "CPU and waiting time"
        return _with_waits(baseline), _with_waits(candidate), name
    if max(_waiting_share(baseline), _waiting_share(candidate)) < _WAITS_SHARE:
        return [r.cpu for r in baseline], [r.cpu for r in candidate], "CPU time"
    return [r.wall for r in baseline], [r.wall for r in candidate], "wall time"


def _with_waits(readings: Sequence[Reading]) -> list[float]:
    return [reading.cpu + (reading.waited or 0.0) for reading in readings]


def _waiting_share(readings: Sequence[Reading]) -> float:
    """The waiting share of the quietest quarter: what load adds to the others is no waiting."""
    shares = sorted(1.0 - min(1.0, r.cpu / r.wall) for r in readings if r.wall > 0.0)
    return shares[len(shares) // 4] if shares else 0.0


def _kernel_tells_waiting() -> bool:
    if not _COUNTS_SWITCHES:
        return False
    try:
        return _own_thread() in _run_delays()
    except (OSError, ValueError, IndexError):  # A kernel built without scheduler statistics.
        return False


def _own_thread() -> str:
    return str(threading.get_native_id())


def _voluntary_switches() -> int:
    assert sys.platform == "linux"  # else _COUNTS_SWITCHES is false, and nobody asks
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def _run_delays() -> dict[str, float]:
    """Seconds that each thread of the process stood ready without a core."""
    delays = {}
    for thread in os.listdir("/proc/self/task"):  # noqa: PTH208  (a path object costs more)
        try:
            with open(f"/proc/self/task/{thread}/schedstat", "rb", buffering=0) as file:
                delays[thread] = int(file.read().split()[1]) / 1e9
        except (FileNotFoundError, ProcessLookupError):
            continue  # The thread ended since it was listed.
    return delays
