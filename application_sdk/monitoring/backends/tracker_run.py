"""One memray tracker, from its start to its end, and when it is worth keeping."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import memray

from application_sdk.monitoring.backends.giving_way import GivingWay
from application_sdk.monitoring.backends.spool import Spool
from application_sdk.monitoring.profile_hook import is_memrays, profile_hook
from application_sdk.monitoring.protocols import ProfiledCall

LINGER_SECONDS = 0.25
"""The longest that the tracker stays on with no call to capture."""

SLOWED_SHARE = 0.6
"""The part of the process's CPU time that goes to the tracker while it is on: 1 - 1 / 2.6, with the
geometric mean of benchmarks/bench_peers.py."""

WATCH_SECONDS = 0.2
_LINGER_STEP_SECONDS = 0.01
_GRACE_SECONDS = 0.002  # what a caller needs to be gone before everything stands still
_FULL_SHARE = 0.25
_WORN_BYTES = 2**20


class TrackerRun:
    """One tracker's life, all on one thread.

    Attributes:
        spool: Its capture.
        failure: Why it could not start.
        over: Whether it is to end now, or has.
        idle_since: When its last call ended.
        lingers: Whether it waits for another call then.
        giving_way: Sees to it that profilers of the program's own go first.
        cpu_before: The process's CPU time up to which its slow-down is accounted for.
    """

    def __init__(self, call: ProfiledCall, spool: Spool, giving_way: GivingWay) -> None:
        self.spool = spool
        self.failure: BaseException | None = None
        self.over = self.lingers = self._worn = False
        self.idle_since = self._idle_cpu = self.cpu_before = 0.0
        self.started, self.wake = threading.Event(), threading.Event()
        self._key = _key(call)
        self._native, self._most_bytes = call.native, call.max_capture_bytes
        self.giving_way = giving_way
        self._tracker: Any = None
        self._start_seconds = 0.0

    def start(self) -> None:
        """Start the tracker, on this thread."""
        began = time.thread_time()
        self.giving_way.begin(exempt=threading.get_ident())
        path = self.spool.path
        tracker = memray.Tracker(
            destination=memray.FileDestination(path, overwrite=True, compress_on_exit=False),
            native_traces=self._native,
        )
        tracker.__enter__()
        os.chmod(path, 0o600)
        self._tracker = tracker
        self._start_seconds = time.thread_time() - began
        self.cpu_before = time.process_time()

    def stop(self) -> None:
        """Stop it, on the same thread."""
        self.giving_way.tracking = False
        for_new_threads = threading.getprofile()
        self._tracker.__exit__(None, None, None)
        if not is_memrays(for_new_threads):
            # The program set this meanwhile; memray has put back what was before.
            threading.setprofile(for_new_threads)

    def close(self) -> None:
        """Give back what it took, whether it ever started or not."""
        self.giving_way.end()
        self.spool.keep_alive.clear()
        profile_hook.release()
        self.spool.closed.set()
        self.spool.remove_if_unused()

    def serves(self, call: ProfiledCall) -> bool:
        """Whether another call, with none there now, may be captured by it as well."""
        return self._key == _key(call) and not self._worn

    def is_full(self) -> bool:
        """Whether no call may join any more: each one that ends reads the file from its start."""
        return _size(self.spool) > _FULL_SHARE * self._most_bytes

    def idle(self, lingers: bool) -> None:
        """Its last call has ended."""
        # A file that has grown costs the next calls more to read than a new start.
        self._worn = _size(self.spool) > min(_WORN_BYTES, _FULL_SHARE * self._most_bytes)
        self.lingers = lingers and not self._worn
        self.idle_since, self._idle_cpu = time.monotonic(), time.process_time()

    def next_look(self) -> float | None:
        """Seconds until it is worth another look; None when it is to end."""
        spool = self.spool
        if spool.active:
            if _size(spool) < self._most_bytes:
                return WATCH_SECONDS
            spool.cut(f"it reached max_capture_bytes ({self._most_bytes:,})")
            return None
        idle = time.monotonic() - self.idle_since
        if not self.lingers:
            return _GRACE_SECONDS - idle if idle < _GRACE_SECONDS else None
        slowed = SLOWED_SHARE * (time.process_time() - self._idle_cpu)
        # Stopping takes about as long as starting did.
        if idle >= LINGER_SECONDS or slowed >= 2 * self._start_seconds:
            return None
        return _LINGER_STEP_SECONDS


def _key(call: ProfiledCall) -> tuple[object, ...]:
    return call.directory, call.native, call.max_capture_bytes


def _size(spool: Spool) -> int:
    try:
        return spool.path.stat().st_size
    except FileNotFoundError:
        return 0  # somebody deleted the directory
