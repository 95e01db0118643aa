"""A tracker or hook that the program starts inside a call that pyinstrument samples goes first."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import memray
import memray._memray
import pytest
from memray import Tracker
from pyinstrument import Profiler

from application_sdk.monitoring import Profile, flamegraph
from application_sdk.monitoring.profile_hook import ProfileHook

Finished = Callable[[], list[Profile]]
SET_PROFILE = sys.setprofile
CREATION_LOCK = memray._memray.tracker_creation_lock  # type: ignore[attr-defined]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="memray needs Linux or macOS")


sampled: Any = partial(flamegraph, sample_rate=1.0, backend="pyinstrument", interval=0.001)


def hook(frame: object, event: str, argument: object) -> None: ...


def burn() -> None:
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        sum(range(300))


def traced(file: Path) -> None:
    burn()
    with Tracker(file):
        kept = bytearray(5_000_000)
        burn()
        kept.clear()
    burn()


async def traced_async(file: Path) -> None:
    await asyncio.sleep(0)
    traced(file)
    await asyncio.sleep(0)


def cut_off(profile: Profile) -> list[str]:
    assert profile.cpu is not None
    assert profile.cpu.backend == "pyinstrument"
    assert profile.cpu.sample_count > 0
    return [note for note in profile.notes if note.startswith("pyinstrument's samples end after")]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_memray_tracker_works_inside_a_call_and_ever_after(
    is_async: bool, tmp_path: Path, profiles: Finished
) -> None:
    file = tmp_path / "own.capture"
    if is_async:
        asyncio.run(sampled(traced_async)(file))
    else:
        sampled(traced)(file)
    (profile,) = profiles()
    (note,) = cut_off(profile)
    assert "because the program started a memray tracker of its own" in note
    with memray.FileReader(file) as reader:
        assert reader.metadata.peak_memory >= 5_000_000
    with Tracker(tmp_path / "later.capture"):
        burn()
    assert sys.getprofile() is None
    assert memray._memray.tracker_creation_lock is CREATION_LOCK  # type: ignore[attr-defined]


def test_calls_in_other_threads_say_that_a_tracker_has_taken_the_hook_from_them(
    tmp_path: Path, profiles: Finished
) -> None:
    begun, end = threading.Event(), threading.Event()

    def wait() -> None:
        burn()
        begun.set()
        assert end.wait(60)

    other = threading.Thread(target=sampled(wait))
    other.start()
    assert begun.wait(60)
    sampled(traced)(tmp_path / "own.capture")
    end.set()
    other.join()
    assert [len(cut_off(profile)) for profile in profiles()] == [1, 1]


def test_no_call_begins_with_pyinstrument_while_a_tracker_of_the_programs_runs(
    tmp_path: Path, profiles: Finished
) -> None:
    quick = sampled(burn)

    def work() -> None:
        burn()
        with Tracker(tmp_path / "own.capture"):
            thread = threading.Thread(target=quick)
            thread.start()
            thread.join()

    sampled(work)()
    backends = {p.name.rsplit(".", 1)[-1]: p.cpu.backend for p in profiles() if p.cpu is not None}
    assert backends == {"burn": "sampler", "work": "pyinstrument"}


def test_a_hook_that_a_call_sets_stays_and_the_profile_says_so(profiles: Finished) -> None:
    def work() -> None:
        burn()
        sys.setprofile(hook)
        burn()

    try:
        sampled(work)()
        assert sys.getprofile() is hook
    finally:
        sys.setprofile(None)
    assert sys.setprofile is SET_PROFILE
    (profile,) = profiles()
    (note,) = cut_off(profile)
    assert "because the program has set a profile hook of its own" in note


def test_a_hook_in_another_thread_disturbs_no_call(profiles: Finished) -> None:
    def work() -> None:
        burn()
        threading.setprofile(hook)
        thread = threading.Thread(target=burn)
        thread.start()
        thread.join()
        burn()

    try:
        sampled(work)()
    finally:
        threading.setprofile(None)
    (profile,) = profiles()
    assert cut_off(profile) == []


@pytest.mark.parametrize("ends_inside", [True, False])
def test_a_pyinstrument_of_the_programs_samples_beside_ours(
    ends_inside: bool, profiles: Finished
) -> None:
    profiler = Profiler(interval=0.001)

    def work() -> None:
        profiler.start()
        burn()
        if ends_inside:
            profiler.stop()

    sampled(work)()
    if not ends_inside:
        burn()
        profiler.stop()
    assert profiler.last_session is not None
    assert profiler.last_session.sample_count > 0
    assert sys.getprofile() is None
    (profile,) = profiles()
    assert cut_off(profile) == []


def test_a_hook_that_is_ours_is_not_foreign_to_the_one_who_has_it(tmp_path: Path) -> None:
    ours = ProfileHook()
    assert ours.acquire("pyinstrument") is None
    with Tracker(tmp_path / "own.capture"):
        refusal = "a memray tracker that the program started itself is running"
        assert ours.acquire("pyinstrument") == refusal
    assert ours.acquire("pyinstrument") is None
