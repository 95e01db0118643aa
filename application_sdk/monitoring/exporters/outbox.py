"""A bounded queue of what is to be sent, and a thread that lives only while it holds something."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable

from application_sdk.monitoring.containment import report_fault, warn_once

THREAD_PREFIX = "monitoring-send-"

Job = Callable[[], None]


class RejectedError(Exception):
    """The other side will never take this; sending it again is no use."""


class Outbox:
    """Sends one thing after another, in order, and tries again with growing pauses.

    A destination that does not answer costs its waiting thread and this queue, never a
    caller: when the queue is full, what comes next is dropped and counted.

    Args:
        name: What is sent where, for logs.
        most: How many wait at most.
        first_pause: Seconds before the second try; each further pause is twice as long.
        longest_pause: Seconds of the longest pause.
        exit_seconds: How long the end of the process waits for what is queued.
    """

    def __init__(
        self,
        name: str,
        most: int = 128,
        first_pause: float = 0.5,
        longest_pause: float = 60.0,
        exit_seconds: float = 5.0,
    ) -> None:
        self.name = name
        self._most = most
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._exit_seconds = exit_seconds
        self._exit_hook = False
        self._start_anew()

    def _start_anew(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._thread: threading.Thread | None = None
        self._hurry = False
        self.sent = self.failed_tries = self.rejected = self.dropped = 0

    def put(self, job: Job) -> bool:
        """Queue a job, which raises ``RejectedError`` where another try is no use.

        Returns:
            Whether there was room.
        """
        if self._pid != os.getpid():
            self._start_anew()  # in a forked child: what was queued is the parent's to send
        with self._changed:
            if len(self._jobs) < self._most:
                self._jobs.append(job)
                if not self._exit_hook:
                    self._exit_hook = True
                    atexit.register(self._at_exit)
                self._ensure_thread()
                return True
            self.dropped += 1
        warn_once(
            f"{self.name} is full",
            "%s: a profile was dropped because %d are waiting; this is logged once and counted",
            self.name,
            self._most,
        )
        return False

    def flush(self, timeout: float) -> bool:
        """Wait until the queue is empty, without pauses between tries meanwhile.

        Returns:
            Whether it became so in time.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            try:
                return self._changed.wait_for(
                    lambda: not self._jobs, max(0.0, deadline - time.monotonic())
                )
            finally:
                self._hurry = False

    def close(self) -> int:
        """Give up what is still queued and end the thread; returns how many were given up."""
        with self._changed:
            lost = len(self._jobs)
            self._jobs.clear()
            self.dropped += lost
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(10)
        return lost

    def _at_exit(self) -> None:
        if self._pid == os.getpid() and not self.flush(self._exit_seconds):
            warn_once(
                f"{self.name} unsent",
                "%s: %d profiles were not sent before the process ended; their files are kept",
                self.name,
                len(self._jobs),
            )

    def _ensure_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name=f"{THREAD_PREFIX}{self.name}", daemon=True
            )
            self._thread.start()

    def _run(self) -> None:
        _observe_nothing_of_this_thread()
        pause = self._first_pause
        while True:
            with self._changed:
                if not self._jobs:
                    self._thread = None
                    self._changed.notify_all()
                    return
                job = self._jobs[0]
            try:
                job()
            except RejectedError as error:
                self.rejected += 1
                warn_once(f"{self.name} rejected", "%s: rejected: %s", self.name, error)
            except OSError as error:
                self.failed_tries += 1
                warn_once(
                    f"{self.name} unreachable",
                    "%s does not answer (%s); it is tried again, and this is logged once",
                    self.name,
                    error,
                )
                self._wait(job, pause)
                pause = min(2 * pause, self._longest_pause)
                continue
            except Exception:
                self.rejected += 1
                report_fault(f"sending to {self.name}")
            else:
                self.sent += 1
                pause = self._first_pause
            with self._changed:
                if self._jobs and self._jobs[0] is job:
                    self._jobs.popleft()
                    self._changed.notify_all()

    def _wait(self, job: Job, pause: float) -> None:
        with self._changed:
            shortest = min(pause, 0.05)
            self._changed.wait(shortest)
            self._changed.wait_for(
                lambda: self._hurry or not self._jobs or self._jobs[0] is not job,
                pause - shortest,
            )


def _observe_nothing_of_this_thread() -> None:
    """Keep a program's own instrumentation of HTTP from tracing what monitoring sends."""
    import sys

    context = sys.modules.get("opentelemetry.context")
    if context is not None:
        context.attach(context.set_value("suppress_instrumentation", True))
