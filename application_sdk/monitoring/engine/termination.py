"""Lets a process that is asked to end write the profiles of calls that have returned.

SIGTERM ends a Python program at once unless somebody handles it, so no exit handler runs.
Temporal's workers and the SDK handle it; a plain script does not. For such a program a
handler waits a little for what is queued, and then lets the signal do what it does.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType

from application_sdk.monitoring.engine.delivery import delivery
from application_sdk.monitoring.exporters.outward import outboxes

FLUSH_SECONDS = 5.0
"""How long a SIGTERM waits at most: half of what ``docker stop`` grants."""

_decided_in: int | None = None


def flush_on_sigterm() -> None:
    """See to it, once a process, that a SIGTERM waits for queued profiles.

    Only the main thread can do this, so calls in others leave it to a later one there. A
    handler that the program has set is never replaced, and one that it sets later wins.
    """
    global _decided_in
    if _decided_in is not None or sys.platform == "win32":
        return
    if threading.current_thread() is not threading.main_thread():
        return
    _decided_in = os.getpid()
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        with suppress(ValueError):  # in a subinterpreter nobody may handle signals
            signal.signal(signal.SIGTERM, _end)


def reset_after_fork() -> None:
    """In a forked child: a SIGTERM does what it did before, until the child captures a call."""
    global _decided_in
    _decided_in = None
    if signal.getsignal(signal.SIGTERM) is _end:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> None:
    """Wait for what is queued, then die of the signal.

    It logs nothing, for it may have interrupted whoever holds the log's locks; and what it waits
    for may be held up by whom it interrupted, so the wait is bounded.
    """
    mine = signal.getsignal(number) is _end
    if mine:
        signal.signal(number, signal.SIG_DFL)  # a second SIGTERM does not wait
    try:
        if os.getpid() == _decided_in:
            _flush(time.monotonic() + FLUSH_SECONDS)
    finally:
        # A handler that the program has set on top of this one, and that calls it, decides
        # itself how the process ends.
        if mine:
            os.kill(os.getpid(), number)


def _flush(until: float) -> None:
    delivery.flush(max(0.0, until - time.monotonic()))
    for outbox in outboxes.values():
        outbox.flush(max(0.0, until - time.monotonic()))
