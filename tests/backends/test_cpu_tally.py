"""What is charged to which stack, told step by step instead of by a clock's luck."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from application_sdk.monitoring.backends import cpu_tally, thread_clocks
from application_sdk.monitoring.backends.cpu_tally import CpuTally
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.protocols import ProfiledCall

ROOT = Frame("work", "a.py", 1)
LEAF = Frame("leaf", "a.py", 9)


class Clock:
    """Stands for the module ``time``; moves only when it is told to."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def perf_counter(self) -> float:
        return self.wall

    def thread_time(self) -> float:
        return self.cpu

    def pthread_getcpuclockid(self, thread: int) -> int:
        return 1

    def clock_gettime(self, clock: int) -> float:
        return self.cpu

    def move(self, wall: float, cpu: float = 0.0) -> None:
        self.wall += wall
        self.cpu += cpu


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (cpu_tally, thread_clocks):
        monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def call() -> ProfiledCall:
    notes: list[str] = []
    return cast(
        "ProfiledCall",
        SimpleNamespace(
            block=None,
            max_nodes=100,
            interval=0.01,
            directory=Path(),
            started_at=datetime.now(UTC),
            note=notes.append,
            notes=notes,
        ),
    )


def finished(tally: CpuTally, call: ProfiledCall, **options: Any) -> Any:
    return tally.profile(call, "test", lambda key: cast("Frame", key), **options)


def self_values(profile: Any, metric: str) -> dict[str, float]:
    return {stat.function: stat.self_value for stat in profile.tree.functions(metric)}


def test_time_is_charged_to_the_sample_that_follows_it(clock: Clock, call: ProfiledCall) -> None:
    tally = CpuTally(call, ROOT)
    tally.resume()
    clock.move(2.0, 1.5)
    tally.sampled_running([ROOT, LEAF], threading.get_ident())
    clock.move(1.0, 0.5)
    tally.pause(False)
    clock.move(50.0, 50.0)
    tally.end()
    profile = finished(tally, call)
    assert self_values(profile, "wall_seconds")["leaf"] == 3.0
    assert (profile.wall_seconds, profile.cpu_seconds, profile.await_seconds) == (3.0, 2.0, 0.0)


def test_what_no_sample_saw_goes_to_the_root(clock: Clock, call: ProfiledCall) -> None:
    tally = CpuTally(call, ROOT)
    tally.resume()
    clock.move(1.0, 1.0)
    tally.end()
    assert self_values(finished(tally, call), "cpu_seconds") == {"work": 1.0}


def test_a_wait_is_charged_to_the_place_that_was_seen(clock: Clock, call: ProfiledCall) -> None:
    tally = CpuTally(call, ROOT)
    tally.resume()
    tally.pause(True)
    clock.move(1.0)
    tally.resume()  # too short for a sample of its own
    tally.pause(True)
    assert tally.waiting_unseen
    tally.sampled_waiting([ROOT, LEAF])
    assert not tally.waiting_unseen
    clock.move(2.0)
    tally.resume()
    tally.sampled_waiting([ROOT])  # came too late: it runs again
    tally.end()
    profile = finished(tally, call)
    assert self_values(profile, "await_seconds")["leaf"] == 3.0
    assert profile.await_seconds == 3.0


def test_a_wait_that_no_sample_saw_is_the_roots(clock: Clock, call: ProfiledCall) -> None:
    tally = CpuTally(call, ROOT)
    tally.resume()
    tally.pause(True)
    clock.move(4.0)
    tally.end()
    assert self_values(finished(tally, call), "await_seconds") == {"work": 4.0}


def test_a_call_does_not_wait_while_a_part_of_it_runs(clock: Clock, call: ProfiledCall) -> None:
    tally = CpuTally(call, ROOT)
    tally.resume()
    tally.pause(True)
    tally.enter_part()
    tally.enter_part()  # a part inside a part counts once
    clock.move(3.0, 3.0)
    tally.leave_part()
    tally.leave_part()
    clock.move(1.0)
    tally.end()
    profile = finished(tally, call)
    assert (profile.wall_seconds, profile.cpu_seconds, profile.await_seconds) == (4.0, 3.0, 1.0)


def test_nothing_counts_after_the_end(clock: Clock, call: ProfiledCall) -> None:
    tally = CpuTally(call, ROOT)
    tally.resume()
    tally.end()
    tally.resume()
    tally.enter_part()
    clock.move(5.0, 5.0)
    tally.leave_part()
    tally.pause(True)
    assert finished(tally, call).wall_seconds == 0.0


def test_a_full_table_says_so(clock: Clock, call: ProfiledCall) -> None:
    tally = CpuTally(call, ROOT)
    tally.resume()
    for number in range(500):
        clock.move(1.0)
        tally.sampled_running([ROOT, Frame(f"f{number}", "a.py", number)], threading.get_ident())
    tally.end()
    profile = finished(tally, call)
    assert profile.wall_seconds == 500.0
    assert len(profile.tree) <= 100
    assert any("max_tree_nodes" in note for note in call.notes)


def test_where_no_other_clock_can_be_read_a_profile_has_no_cpu_by_function(
    clock: Clock, call: ProfiledCall
) -> None:
    tally = CpuTally(call, ROOT)
    tally.resume()
    clock.move(2.0, 1.0)
    tally.end()
    profile = finished(tally, call, cpu_by_stack=False)
    assert profile.tree.metrics == ("wall_seconds", "await_seconds")
    assert profile.cpu_seconds == 1.0
    assert any("cannot read another thread's CPU clock" in note for note in call.notes)
