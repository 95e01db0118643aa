"""A bounded queue of what is to be sent, and a thread that lives only while it holds something."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from application_sdk.monitoring.containment import report_fault, warn_once

THREAD_PREFIX = "monitoring-send-"

Job = Callable[[], None]

_MOST_TOGETHER = 32
_exit_deadline: float | None = None  # when the process ends, and until when it waits


class RejectedError(Exception):
    """The other side will never take this; sending it again is no use."""


class PartlyRejectedError(RejectedError):
    """The other side has taken a part of it; sending any of it again would double that."""


@dataclass(frozen=True)
class Shipment:
    """A job that may go together with others of its kind.

    Attributes:
        send: Sends several items at once.
        item: This one.
        kind: Items of one kind can be sent together.
    """

    send: Callable[[Sequence[Any]], None]
    item: Any
    kind: Hashable

    def __call__(self) -> None:
        """Send it alone."""
        self.send([self.item])


class Outbox:
    """Sends one thing after another, in order, and tries again with growing pauses.

    Shipments of one kind that have gathered behind a slow answer go together.

    A destination that does not answer costs its waiting thread and this queue, never a
    caller: when the queue is full, what comes next is dropped and counted.

    Args:
        name: What is sent where, for logs.
        most: How many wait at most.
        first_pause: Seconds before the second try; each further pause is twice as long.
        longest_pause: Seconds of the longest pause.

    Attributes:
        charge: Told the processor time that sending has taken, where anybody asks for it.
    """

    def __init__(
        self,
        name: str,
        most: int = 128,
        first_pause: float = 0.5,
        longest_pause: float = 60.0,
    ) -> None:
        self.name = name
        self._most = most
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self.charge: Callable[[float], None] | None = None
        self._start_anew()

    def _start_anew(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._thread: threading.Thread | None = None
        self._hurry = False
        self._together = _MOST_TOGETHER
        self._alone = 0
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

    def finish(self, deadline: float) -> None:
        """The process ends: send what is queued until then, and say what is not sent.

        Args:
            deadline: In seconds of the monotonic clock.
        """
        if self._pid != os.getpid():
            return
        if self._thread is None and self._jobs:
            self._run(deadline)  # no thread can be started any more
        if not self.flush(deadline - time.monotonic()):
            warn_once(
                f"{self.name} unsent",
                "%s: %d profiles were not sent before the process ended; their files are kept",
                self.name,
                len(self._jobs),
            )

    def _ensure_thread(self) -> None:
        if self._thread is None:
            thread = threading.Thread(
                target=self._run, name=f"{THREAD_PREFIX}{self.name}", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:
                return  # the interpreter ends: finish() sends it
            self._thread = thread

    def _run(self, deadline: float = float("inf")) -> None:
        _observe_nothing_of_this_thread()
        pause = self._first_pause
        while True:
            with self._changed:
                if not self._jobs:
                    self._thread = None
                    self._changed.notify_all()
                    return
                jobs = self._next()
            began = time.thread_time()
            try:
                _send(jobs)
            except PartlyRejectedError as error:
                self.rejected += len(jobs)
                warn_once(f"{self.name} rejected", "%s: rejected: %s", self.name, error)
            except OSError as error:
                self.failed_tries += 1
                warn_once(
                    f"{self.name} unreachable",
                    "%s does not answer (%s); it is tried again, and this is logged once",
                    self.name,
                    error,
                )
                # Fewer the next time: perhaps all of them took longer than a time-out.
                self._together = max(1, len(jobs) // 2)
                if time.monotonic() > deadline:
                    return
                self._wait(jobs[0], pause)
                pause = min(2 * pause, self._longest_pause)
                continue
            except Exception as error:
                if len(jobs) > 1:
                    # One of them may be what is refused, and the rest be welcome.
                    self._alone = len(jobs)
                    continue
                self.rejected += 1
                if isinstance(error, RejectedError):
                    warn_once(f"{self.name} rejected", "%s: rejected: %s", self.name, error)
                else:
                    report_fault(f"sending to {self.name}")
            else:
                self.sent += len(jobs)
                self._together = _MOST_TOGETHER
                pause = self._first_pause
            finally:
                if self.charge is not None:
                    self.charge(time.thread_time() - began)
            with self._changed:
                done = set(map(id, jobs))
                self._jobs = deque(job for job in self._jobs if id(job) not in done)
                self._changed.notify_all()

    def _next(self) -> list[Job]:
        """The head of the queue, and what may go with it."""
        head = self._jobs[0]
        if not isinstance(head, Shipment) or self._alone > 0:
            self._alone -= self._alone > 0
            return [head]
        alike = [
            job
            for job in self._jobs
            if isinstance(job, Shipment) and (job.send, job.kind) == (head.send, head.kind)
        ]
        return list(alike[: self._together])

    def _wait(self, job: Job, pause: float) -> None:
        with self._changed:
            shortest = min(pause, 0.05)
            self._changed.wait(shortest)
            self._changed.wait_for(
                lambda: self._hurry or not self._jobs or self._jobs[0] is not job,
                pause - shortest,
            )


def finish_all(outboxes: Iterable[Outbox], seconds: float = 5.0) -> None:
    """Wait for all queues together, at the end of the process."""
    global _exit_deadline
    _exit_deadline = time.monotonic() + seconds
    for outbox in outboxes:
        outbox.finish(_exit_deadline)


def patience(seconds: float) -> float:
    """How long a try may take: as long as given, and less when the process ends before."""
    if _exit_deadline is None:
        return seconds
    return max(0.1, min(seconds, _exit_deadline - time.monotonic()))


def _send(jobs: Sequence[Job]) -> None:
    head = jobs[0]
    if isinstance(head, Shipment):
        head.send([job.item for job in jobs if isinstance(job, Shipment)])
    else:
        head()


def _observe_nothing_of_this_thread() -> None:
    """Keep a program's own instrumentation of HTTP from tracing what monitoring sends."""
    import sys

    context = sys.modules.get("opentelemetry.context")
    if context is not None:
        context.attach(context.set_value("suppress_instrumentation", True))
