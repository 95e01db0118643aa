"""The process's one memray tracker, shared by all calls that are captured at a time.

memray allows a single tracker, and one that is started deep inside a stack misses frames
of other threads. So it lives on a thread of its own, counted, and every call marks its begin
and end in the stream of records by an allocation of its own.

Starting and stopping it takes memray milliseconds in which nothing else runs. A call that ends
does not wait for that, and the tracker stays on for a while after the last call, so that a next
one need not start it: at most until that has cost as much as stopping and starting would.
"""

from __future__ import annotations

import sys
import threading
import time
from types import FunctionType

from application_sdk.monitoring.backends.giving_way import BESIDE_MEMRAY, GivingWay
from application_sdk.monitoring.backends.spool import Spool, forget_spools
from application_sdk.monitoring.backends.tracker_run import (
    SLOWED_SHARE,
    WATCH_SECONDS,
    TrackerRun,
)
from application_sdk.monitoring.profile_hook import profile_hook
from application_sdk.monitoring.protocols import BackendUnavailable, ProfiledCall

_BOOKEND_BYTES = 4_099  # beyond pymalloc's small objects, so that the tracker sees it
_MOST_WAIT_SECONDS = 10.0


class SharedTracker:
    """Starts a tracker for the first call, and stops it after the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._run: TrackerRun | None = None
        self._ending: TrackerRun | None = None
        self._unpaid_seconds = 0.0

    def join(self, call: ProfiledCall) -> Spool:
        """Track allocations for one more call.

        Raises:
            BackendUnavailable: If memray cannot track now; the text says why.
        """
        if self._run is not None and sys.getprofile() is not None:
            # Set in a way that could not be seen; memray does not see this thread's stacks then.
            raise BackendUnavailable("the program has set a profile hook of its own")
        while True:
            with self._lock:
                run = self._run
                if run is not None and not run.spool.active and not run.serves(call):
                    self._end(run)
                elif run is not None or self._ending is None or self._ending.spool.closed.is_set():
                    run = run or self._start(call)
                    spool = run.spool
                    if spool.active and run.is_full():
                        raise BackendUnavailable(
                            "overlapping calls have filled a good part of max_capture_bytes; "
                            "memray starts anew when they have ended"
                        )
                    spool.active += 1
                    spool.joined()
                    return spool
                ending = self._ending
            if ending is not None and not ending.spool.closed.wait(_MOST_WAIT_SECONDS):
                raise BackendUnavailable("the tracker of the calls before does not end")

    def leave(self, spool: Spool, *, wait: bool = False, linger: bool = False) -> None:
        """One call less; after the last one the tracker stops, off the caller's path.

        Args:
            spool: What ``join`` gave.
            wait: Whether to return only when it has stopped.
            linger: Whether it may stay on for another call.
        """
        with self._lock:
            spool.active -= 1
            run = self._run
            if spool.active or run is None or run.spool is not spool:
                return
            if wait:
                self._end(run)
            else:
                run.idle(linger)
                run.wake.set()
        if wait:
            spool.closed.wait(_MOST_WAIT_SECONDS)

    def end_idle(self) -> None:
        """Stop it, and wait for that, if it only stays on for a next call."""
        # A signal handler may be here, in the very thread that holds the lock.
        if not self._lock.acquire(timeout=1.0):
            return
        try:
            run = self._run
            if run is not None and not run.spool.active:
                self._end(run)
            ending = self._ending
        finally:
            self._lock.release()
        if ending is not None:
            ending.spool.closed.wait(_MOST_WAIT_SECONDS)

    def give_way(self, reason: str) -> None:
        """Stop it, and wait for that, because the program starts a profiler of its own."""
        if not self._lock.acquire(timeout=_MOST_WAIT_SECONDS):
            return
        try:
            run = self._run
            if run is not None:
                if run.spool.active:
                    run.spool.cut(reason)
                self._end(run)
            ending = self._ending
        finally:
            self._lock.release()
        if ending is not None:
            ending.spool.closed.wait(_MOST_WAIT_SECONDS)

    def slowed_seconds(self) -> float:
        """By how much it has slowed the process since this was last asked, estimated."""
        with self._lock:
            if self._run is not None:
                self._account(self._run)
            slowed, self._unpaid_seconds = self._unpaid_seconds, 0.0
            return slowed

    def reset(self) -> None:
        """In a forked child the tracker does not go on; forget it without touching it."""
        forget_spools()
        for run in (self._run, self._ending):
            if run is not None:
                run.giving_way.end()
        self.__init__()  # type: ignore[misc]  # the one way that forgets every lock

    def _start(self, call: ProfiledCall) -> TrackerRun:
        reason = profile_hook.acquire("memray", self.end_idle)
        if reason is not None:
            raise BackendUnavailable(reason)
        try:
            spool = Spool(call.directory)
        except BaseException as error:
            profile_hook.release()
            if isinstance(error, OSError):
                reason = f"its capture file cannot be written: {error}"
                raise BackendUnavailable(reason) from error
            raise
        run = TrackerRun(call, spool, GivingWay(BESIDE_MEMRAY, self.give_way))
        try:
            threading.Thread(
                target=self._live, args=(run,), name="monitoring-tracker", daemon=True
            ).start()
        except BaseException as error:
            run.close()
            raise BackendUnavailable(f"memray could not start: {error}") from error
        try:
            run.started.wait()
        except BaseException:
            self._end(run)  # a cancellation that hits this thread here
            raise
        if run.failure is not None:
            raise BackendUnavailable(f"memray could not start: {run.failure}") from run.failure
        self._run = run
        return run

    def _end(self, run: TrackerRun) -> None:
        self._run, self._ending = None, run
        run.over = True
        run.wake.set()

    def _live(self, run: TrackerRun) -> None:
        try:
            run.start()
        except BaseException as error:
            run.failure = error
            run.close()
            return
        finally:
            run.started.set()
        pause: float | None = WATCH_SECONDS
        while not run.over:
            run.wake.wait(pause)
            run.wake.clear()
            with self._lock:
                if self._run is run:
                    pause = run.next_look()
                    if pause is None:
                        self._end(run)
        began = time.perf_counter()
        try:
            run.stop()
        finally:
            with self._lock:
                self._account(run)
                # While it stops, every other thread waits for it.
                self._unpaid_seconds += time.perf_counter() - began
            run.close()

    def _account(self, run: TrackerRun) -> None:
        now = time.process_time()
        self._unpaid_seconds += SLOWED_SHARE * (now - run.cpu_before)
        run.cpu_before = now


def bookend(prefix: str, identity: str, spool: Spool) -> None:
    """Mark a place in the stream of records by an allocation under a unique name."""
    name = f"{prefix}{identity}>"
    code = _allocate.__code__.replace(co_name=name, co_qualname=name)
    spool.keep_alive.append(code)
    FunctionType(code, {})(_BOOKEND_BYTES)


def _allocate(size: int) -> None:
    bytearray(size)


shared_tracker = SharedTracker()
"""The process's only one."""
