"""The process's one memray tracker, shared by all calls that are captured at a time.

memray allows a single tracker, and one that is started deep inside a stack misses frames
of other threads. So it is started and stopped on a thread of its own, counted, and every
call marks its begin and end in the stream of records by an allocation of its own.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import FunctionType
from typing import Any

import memray

from application_sdk.monitoring.backends.spool import Spool, forget_spools
from application_sdk.monitoring.profile_hook import is_memrays, profile_hook
from application_sdk.monitoring.protocols import BackendUnavailable, ProfiledCall
from application_sdk.monitoring.ticker import Tick, ticker

_BOOKEND_BYTES = 4_099  # beyond pymalloc's small objects, so that the tracker sees it
_WATCH_SECONDS = 0.2
_FULL_SHARE = 0.25
_SLOWED_SHARE = 0.6
"""The part of the process's CPU time that goes to the tracker while it is on: 1 - 1 / 2.6, with the
geometric mean of benchmarks/bench_peers.py."""


class SharedTracker:
    """Starts a tracker for the first call, and stops it after the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tracker: Any = None
        self._spool: Spool | None = None
        self._watch: Tick | None = None
        self._cpu_before = 0.0
        self._most_bytes = 0

    def join(self, call: ProfiledCall) -> Spool:
        """Track allocations for one more call.

        Raises:
            BackendUnavailable: If memray cannot track now; the text says why.
        """
        with self._lock:
            if self._spool is None:
                self._start(call)
            spool = self._spool
            assert spool is not None
            if spool.active and _size(spool) > _FULL_SHARE * self._most_bytes:
                # Each call that ends reads the file from its start: it must stay short.
                raise BackendUnavailable(
                    "overlapping calls have filled a good part of max_capture_bytes; "
                    "memray starts anew when they have ended"
                )
            spool.active += 1
            return spool

    def leave(self, spool: Spool, *, wait: bool = False) -> None:
        """One call less; the last one stops the tracker, off the caller's path.

        Args:
            spool: What ``join`` gave.
            wait: Whether to return only when it has stopped.
        """
        with self._lock:
            spool.active -= 1
            if spool.active or spool is not self._spool:
                return
        stopping = threading.Thread(target=self._stop_if_idle, name="monitoring-tracker")
        stopping.daemon = True
        stopping.start()
        if wait:
            stopping.join()

    def reset(self) -> None:
        """In a forked child the tracker does not go on; forget it without touching it."""
        forget_spools()
        self.__init__()  # type: ignore[misc]  # the one way that forgets every lock

    def _start(self, call: ProfiledCall) -> None:
        reason = profile_hook.acquire("memray")
        if reason is not None:
            raise BackendUnavailable(reason)
        spool: Spool | None = None
        try:
            spool = Spool(call.directory)
            outcome: list[Any] = []
            starting = threading.Thread(
                target=_start_tracker,
                args=(spool.path, call.native, outcome),
                name="monitoring-tracker",
            )
            starting.daemon = True
            starting.start()
            starting.join()
            if isinstance(outcome[0], BaseException):
                raise BackendUnavailable(f"memray could not start: {outcome[0]}") from outcome[0]
        except BaseException as error:
            profile_hook.release()
            if spool is not None:
                spool.closed.set()
                spool.remove_if_unused()
            if isinstance(error, OSError):
                reason = f"its capture file cannot be written: {error}"
                raise BackendUnavailable(reason) from error
            raise
        self._tracker = outcome[0]
        self._spool = spool
        self._cpu_before = time.process_time()
        self._most_bytes = call.max_capture_bytes
        self._watch = ticker.add(self._stop_if_too_large, _WATCH_SECONDS)

    def _stop_if_too_large(self) -> None:
        spool = self._spool
        if spool is not None and _size(spool) >= self._most_bytes:
            spool.cut_off = f"it reached max_capture_bytes ({self._most_bytes:,})"
            stopping = threading.Thread(
                target=self._stop, args=(spool,), name="monitoring-tracker", daemon=True
            )
            stopping.start()
            stopping.join()

    def _stop_if_idle(self) -> None:
        with self._lock:
            if self._spool is None or self._spool.active:
                return
            spool = self._spool
        self._stop(spool)

    def _stop(self, spool: Spool) -> None:
        with self._lock:
            if spool is not self._spool or (spool.active and spool.cut_off is None):
                return
            tracker, self._tracker, self._spool = self._tracker, None, None
            if self._watch is not None:
                ticker.remove(self._watch)
            slowed = _SLOWED_SHARE * (time.process_time() - self._cpu_before)
            for_new_threads = threading.getprofile()
            began = time.perf_counter()
            try:
                tracker.__exit__(None, None, None)
            finally:
                # While it stops, every other thread waits for it.
                spool.slowed_seconds = slowed + time.perf_counter() - began
                if not is_memrays(for_new_threads):
                    # The program set this meanwhile; memray has put back what was before.
                    threading.setprofile(for_new_threads)
                spool.keep_alive.clear()
                profile_hook.release()
                spool.closed.set()
        spool.remove_if_unused()


def _size(spool: Spool) -> int:
    try:
        return spool.path.stat().st_size
    except FileNotFoundError:
        return 0  # somebody deleted the directory


def _start_tracker(path: Path, native: bool, outcome: list[Any]) -> None:
    try:
        tracker = memray.Tracker(
            destination=memray.FileDestination(path, overwrite=True, compress_on_exit=False),
            native_traces=native,
        )
        tracker.__enter__()
        os.chmod(path, 0o600)
    except BaseException as error:
        outcome.append(error)
    else:
        outcome.append(tracker)


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
