"""The queue between callers and files: bounded, counted, and never in the caller's way."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial

import pytest

from application_sdk.monitoring import flamegraph, flush, on_profile
from application_sdk.monitoring.engine import delivery as module
from application_sdk.monitoring.engine.delivery import Delivery


def test_what_finds_no_room_is_dropped_counted_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = Delivery(most_pending=2)
    busy, leave = threading.Event(), threading.Event()
    done: list[int] = []

    def first() -> None:
        busy.set()
        assert leave.wait(60)

    assert queue.put(first)
    assert busy.wait(60)
    with caplog.at_level(logging.WARNING):
        accepted = [queue.put(partial(done.append, number)) for number in range(5)]
    assert accepted == [True, True, False, False, False]
    assert queue.dropped == 3
    # The 1st and the 2nd are said, the 3rd is not.
    assert sum("dropped" in record.getMessage() for record in caplog.records) == 2
    assert not queue.flush(0.01)
    leave.set()
    assert queue.flush(60)
    assert done == [0, 1]


def test_a_job_that_fails_is_logged_once_and_the_next_one_runs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue = Delivery()
    done: list[int] = []

    def fail() -> None:
        raise ValueError("a broken writer")

    with caplog.at_level(logging.WARNING):
        for job in (fail, fail, partial(done.append, 1)):
            queue.put(job)
        assert queue.flush(60)
    assert done == [1]
    assert sum("a broken writer" in record.getMessage() for record in caplog.records) == 1


def test_flush_from_a_callback_says_no_instead_of_waiting_for_itself() -> None:
    answers: list[bool] = []
    undo = on_profile(lambda _: answers.append(flush(60)))
    try:
        flamegraph(time.thread_time, sample_rate=1.0, name="clock")()
        assert flush(60)
    finally:
        undo()
    assert answers == [False]


def test_dropped_profiles_leave_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Delivery(most_pending=0)
    monkeypatch.setattr(module.delivery, "put", full.put)
    flamegraph(time.thread_time, sample_rate=1.0, name="clock")()
    assert full.dropped == 1
