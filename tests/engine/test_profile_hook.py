"""The profile hook has one owner at a time, and is never taken from the program."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import memray
import pytest
from pyinstrument import Profiler

from application_sdk.monitoring.backends.growth_tracer import MemrayGrowthTracer
from application_sdk.monitoring.backends.peak_meter import MemrayPeakMeter
from application_sdk.monitoring.profile_hook import ProfileHook, foreign_hook, profile_hook
from application_sdk.monitoring.protocols import BackendUnavailable


def own_hook(*_: Any) -> None:
    """A hook that a program might set."""


@pytest.fixture(autouse=True)
def hook_of_the_tests() -> Iterator[None]:
    before = sys.getprofile()
    yield
    sys.setprofile(before)
    threading.setprofile(None)


def test_one_kind_takes_the_hook_many_times_and_the_other_waits_for_the_last() -> None:
    hook = ProfileHook()
    assert hook.acquire("memray") is None
    assert hook.acquire("memray") is None
    refusal = "memray is capturing in this process and both need the profile hook"
    assert hook.acquire("pyinstrument") == refusal
    hook.release()
    assert hook.acquire("pyinstrument") == refusal
    hook.release()
    assert hook.acquire("pyinstrument") is None
    assert hook.holder == "pyinstrument"


def test_a_free_hook_has_no_foreign_owner() -> None:
    assert foreign_hook() is None


def test_a_hook_of_the_program_is_left_alone() -> None:
    sys.setprofile(own_hook)
    assert foreign_hook() == "the program has set a profile hook of its own"
    assert ProfileHook().acquire("memray") == "the program has set a profile hook of its own"
    assert sys.getprofile() is own_hook


def test_a_hook_for_threads_to_come_is_left_alone() -> None:
    threading.setprofile(own_hook)
    assert foreign_hook() == "the program has set a profile hook for new threads"


def test_a_pyinstrument_profiler_of_the_program_is_named() -> None:
    profiler = Profiler()
    profiler.start()
    try:
        assert (
            foreign_hook() == "a pyinstrument profiler that the program started itself is running"
        )
    finally:
        profiler.stop()


def test_a_memray_tracker_of_the_program_is_named(tmp_path: Path) -> None:
    with memray.Tracker(tmp_path / "own.capture"):
        assert foreign_hook() == "a memray tracker that the program started itself is running"


@pytest.mark.parametrize("make", [MemrayGrowthTracer, MemrayPeakMeter])
def test_what_traces_allocations_says_who_has_the_hook_and_leaves_it(
    make: Callable[[], Any],
) -> None:
    assert profile_hook.acquire("pyinstrument") is None
    try:
        with pytest.raises(BackendUnavailable, match="pyinstrument is capturing"):
            make().start()
    finally:
        profile_hook.release()
    assert profile_hook.holder is None


@pytest.mark.parametrize("make", [MemrayGrowthTracer, MemrayPeakMeter])
def test_a_memray_that_cannot_start_leaves_the_hook_free(
    make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("no tracker today")

    monkeypatch.setattr(memray, "Tracker", refused)
    with pytest.raises(BackendUnavailable, match="memray could not start: no tracker today"):
        make().start()
    assert profile_hook.holder is None
