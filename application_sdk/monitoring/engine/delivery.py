"""Hands finished captures to a background thread that makes and delivers profiles."""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable

from application_sdk.monitoring.containment import logger, report_fault
from application_sdk.monitoring.profile_hook import profile_hook

THREAD_NAME = "monitoring-delivery"
_MOST_PENDING = 1_024
_EXIT_SECONDS = 60.0
_afterwards: list[Callable[[], None]] = []

Job = Callable[[], None]


class Delivery:
    """A bounded queue and a thread that lives only while there is something in it."""

    def __init__(self, most_pending: int = _MOST_PENDING) -> None:
        self._changed = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._most_pending = most_pending
        self._thread: threading.Thread | None = None
        self._accepted = self._done = 0
        self._exit_hook = False
        self.dropped = 0

    def put(self, job: Job) -> bool:
        """Queue a job.

        Returns:
            Whether there was room; what is dropped is counted and logged.
        """
        with self._changed:
            if len(self._jobs) >= self._most_pending:
                self.dropped += 1
                dropped = self.dropped
            else:
                self._jobs.append(job)
                self._accepted += 1
                if not self._exit_hook:
                    self._exit_hook = True
                    atexit.register(self._at_exit)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
                    self._thread.start()
                return True
        if dropped & (dropped - 1) == 0:  # the 1st, 2nd, 4th, 8th … so that a flood stays readable
            logger().warning(
                "A profile was dropped because %d are waiting to be written (%d dropped so far); "
                "lower sample_rate or write fewer formats",
                self._most_pending,
                dropped,
            )
        return False

    @property
    def waiting(self) -> int:
        """How many jobs nobody has begun yet."""
        return len(self._jobs)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was queued before this call is delivered.

        Returns:
            Whether it was, in time.
        """
        if threading.current_thread() is self._thread:
            return False  # called back from a job: it would wait for itself
        deadline = None if timeout is None else time.monotonic() + timeout
        profile_hook.end_idle()  # what is kept for a next call would only hold this up
        with self._changed:
            goal = self._accepted
            while self._done < goal:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def _at_exit(self) -> None:
        self.flush(_EXIT_SECONDS)
        for callback in _afterwards:
            callback()

    def reset(self) -> None:
        """Start anew in a forked child: what was queued is the parent's to deliver."""
        hooked = self._exit_hook
        self.__init__(self._most_pending)  # type: ignore[misc]  # forgets every lock
        self._exit_hook = hooked

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._jobs:
                    self._thread = None
                    self._changed.notify_all()
                    return
                job = self._jobs.popleft()
            try:
                job()
            except BaseException:
                # A SystemExit, too: without this thread nothing would ever be delivered again.
                report_fault("delivering a profile")
            finally:
                del job
                with self._changed:
                    self._done += 1
                    self._changed.notify_all()


delivery = Delivery()
"""The process's only one."""


def at_exit(callback: Callable[[], None]) -> None:
    """Call back at the end of the process, when all profiles have been delivered.

    What deliveries register with ``atexit`` themselves would come too early, or never.
    """
    _afterwards.append(callback)


def flush(timeout: float | None = None) -> bool:
    """Wait until the profiles of all calls that have returned are written and called back.

    Args:
        timeout: Seconds to wait at most; None waits as long as it takes.

    Returns:
        False when the time was up first, or when called from an ``on_profile`` callback.
    """
    return delivery.flush(timeout)
