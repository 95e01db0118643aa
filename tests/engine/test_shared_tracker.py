"""One memray tracker serves calls that overlap or follow each other closely, and gives way."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import memray
import memray._memray
import pytest
from memray import Tracker  # imported early, as programs do
from pyinstrument import Profiler

from application_sdk.monitoring import Profile, configure, flamegraph, flush, memory_profile
from application_sdk.monitoring.backends.spool import Spool
from application_sdk.monitoring.profile_hook import profile_hook

Finished = Callable[[], list[Profile]]
PROJECT = Path(__file__).parents[2]
SET_PROFILE = sys.setprofile
CREATION_LOCK = memray._memray.tracker_creation_lock  # type: ignore[attr-defined]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="memray needs Linux or macOS")


def nothing() -> None: ...


def keep(kept: list[bytearray], size: int) -> None:
    kept.append(bytearray(size))


def retained(profile: Profile) -> int:
    assert profile.memory is not None
    assert profile.memory.backend == "memray"
    return profile.memory.retained_bytes or 0


def end_of_the_tracker() -> None:
    for thread in threading.enumerate():
        if thread.name == "monitoring-tracker":
            thread.join(60)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every tracker that is made."""
    made: list[Any] = []

    class Counted(memray.Tracker):
        def __init__(self, *_: Any, **__: Any) -> None:
            made.append(self)

    monkeypatch.setattr(memray, "Tracker", Counted)
    return made


def test_calls_that_follow_closely_share_a_tracker_and_keep_their_own(
    profiles: Finished, started: list[Any]
) -> None:
    kept: list[bytearray] = []
    work = memory_profile(keep, sample_rate=1.0, backend="memray")
    for number in range(1, 6):
        work(kept, 1_000_000 * number)
    assert len(started) == 1
    assert [retained(profile) for profile in profiles()] == pytest.approx(
        [1_000_000 * number for number in range(1, 6)], rel=0.1
    )


def test_a_call_leaves_before_the_tracker_stops_and_flush_ends_it() -> None:
    memory_profile(nothing, sample_rate=1.0, backend="memray")()
    assert profile_hook.holder == "memray"
    assert flush(60)
    assert profile_hook.holder is None


def test_a_tracker_without_calls_ends_by_itself() -> None:
    memory_profile(nothing, sample_rate=1.0, backend="memray")()
    end_of_the_tracker()
    assert profile_hook.holder is None
    assert sys.setprofile is SET_PROFILE


def test_what_is_allocated_after_a_call_is_not_its_own(profiles: Finished) -> None:
    kept: list[bytearray] = []
    memory_profile(keep, sample_rate=1.0, backend="memray")(kept, 2_000_000)
    assert profile_hook.holder == "memray"
    kept.clear()
    keep(kept, 30_000_000)
    (profile,) = profiles()
    assert retained(profile) == pytest.approx(2_000_000, rel=0.05)
    assert profile.memory is not None
    assert profile.memory.peak_bytes == pytest.approx(2_000_000, rel=0.05)


def test_a_call_into_another_directory_has_a_capture_there(
    tmp_path: Path, started: list[Any]
) -> None:
    seen: list[int] = []

    def look(directory: Path) -> None:
        seen.append(len(list((directory / ".captures").glob("*.bin"))))

    for name in ("one", "two"):
        directory = tmp_path / name
        memory_profile(look, sample_rate=1.0, backend="memray", output_dir=directory)(directory)
    assert seen == [1, 1]
    assert len(started) == 2


def test_pyinstrument_gets_the_hook_that_is_only_kept_for_a_next_call(profiles: Finished) -> None:
    memory_profile(nothing, sample_rate=1.0, backend="memray")()
    flamegraph(nothing, sample_rate=1.0, backend="pyinstrument")()
    backends = {profile.cpu.backend for profile in profiles() if profile.cpu is not None}
    assert backends == {"pyinstrument"}


def test_a_child_that_is_forked_right_after_a_call_can_track_on_its_own(tmp_path: Path) -> None:
    program = """
        import os, sys
        import memray
        from application_sdk.monitoring import configure, memory_profile

        configure(output_dir=sys.argv[1])
        memory_profile(lambda: None, sample_rate=1.0, backend="memray")()
        child = os.fork()
        if not child:
            with memray.Tracker(sys.argv[1] + "/child.capture"):
                kept = bytearray(1_000_000)
            os._exit(0)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program), str(tmp_path)],
        cwd=PROJECT,
        check=True,
        timeout=60,
    )
    assert list((tmp_path / ".captures").iterdir()) == []


def traced(kept: list[bytearray], file: Path) -> None:
    keep(kept, 2_000_000)
    with Tracker(file):
        keep(kept, 5_000_000)


def in_a_call(work: Any, *args: Any) -> None:
    work(*args)


def in_a_coroutine(work: Any, *args: Any) -> None:
    async def steps(*args: Any) -> None:
        await asyncio.sleep(0)
        work.__wrapped__(*args)
        await asyncio.sleep(0)

    asyncio.run(memory_profile(steps, sample_rate=1.0, backend="memray")(*args))


def in_a_thread(work: Any, *args: Any) -> None:
    thread = threading.Thread(target=work, args=args)
    thread.start()
    thread.join()


@pytest.mark.parametrize("run", [in_a_call, in_a_coroutine, in_a_thread])
def test_a_tracker_that_the_program_starts_in_a_call_goes_first(
    run: Any, tmp_path: Path, profiles: Finished
) -> None:
    kept: list[bytearray] = []
    run(
        memory_profile(traced, sample_rate=1.0, backend="memray"),
        kept,
        tmp_path / "own.capture",
    )
    (profile,) = profiles()
    assert retained(profile) == pytest.approx(2_000_000, rel=0.05)
    (note,) = [note for note in profile.notes if "ended before the call did" in note]
    assert note.endswith("s, because the program started a memray tracker of its own")
    with memray.FileReader(tmp_path / "own.capture") as reader:
        kept_records = [
            record.stack_trace()[0][0]
            for record in reader.get_leaked_allocation_records(merge_threads=True)
            if record.size == 5_000_001
        ]
        assert kept_records == ["keep"]
    assert memray._memray.tracker_creation_lock is CREATION_LOCK  # type: ignore[attr-defined]


def test_a_tracker_of_the_program_right_after_a_call_starts(tmp_path: Path) -> None:
    memory_profile(nothing, sample_rate=1.0, backend="memray")()
    with Tracker(tmp_path / "own.capture"):
        assert profile_hook.holder is None


def test_a_capture_that_ends_as_a_call_joins_it_is_kept_for_the_call(
    tmp_path: Path, profiles: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = Spool.began

    def interrupted(spool: Spool, *args: Any) -> None:
        in_a_thread(traced, [], tmp_path / "own.capture")
        began(spool, *args)

    monkeypatch.setattr(Spool, "began", interrupted)
    memory_profile(nothing, sample_rate=1.0, backend="memray")()
    (profile,) = profiles()
    assert retained(profile) == 0
    assert not [note for note in profile.notes if "could not be read" in note]


def test_every_call_that_runs_says_where_its_capture_ended(
    tmp_path: Path, profiles: Finished
) -> None:
    begun, end = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        assert end.wait(60)

    other = threading.Thread(target=memory_profile(wait, sample_rate=1.0, backend="memray"))
    other.start()
    assert begun.wait(60)
    memory_profile(traced, sample_rate=1.0, backend="memray")([], tmp_path / "own")
    end.set()
    other.join()
    assert len(profiles()) == 2
    for profile in profiles():
        assert any("the program started a memray tracker" in note for note in profile.notes)


@pytest.mark.parametrize("inside", [True, False])
def test_a_pyinstrument_of_the_program_sees_all_that_it_is_to_see(
    inside: bool, profiles: Finished
) -> None:
    profilers: list[Profiler] = []

    def profiled() -> None:
        profiler = Profiler(interval=0.0001)
        profilers.append(profiler)
        profiler.start()

    work = memory_profile(profiled if inside else nothing, sample_rate=1.0, backend="memray")
    work()
    if not inside:
        profiled()
    end_of_the_tracker()

    def seen_later() -> None:
        for _ in range(20_000):
            nothing()

    seen_later()
    session = profilers[0].stop()
    text = profilers[0].output_text(show_all=True)
    assert session.sample_count > 1
    assert "seen_later" in text
    (profile,) = profiles()
    notes = [note for note in profile.notes if "pyinstrument profiler of its own" in note]
    assert len(notes) == inside


def set_for_this_thread(hook: Any) -> None:
    sys.setprofile(hook)


def set_for_all_threads(hook: Any) -> None:
    threading.setprofile_all_threads(hook)  # type: ignore[attr-defined,unused-ignore]


SETTERS = [set_for_this_thread]
if sys.version_info >= (3, 12):
    SETTERS.append(set_for_all_threads)


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("setter", SETTERS)
def test_a_hook_of_the_program_stays_and_sees_the_programs_frames_only(
    setter: Any, inside: bool, profiles: Finished
) -> None:
    events: list[tuple[str, str]] = []

    def hook(frame: Any, event: str, argument: Any) -> None:
        if threading.get_ident() == mine:
            events.append((event, frame.f_code.co_name))

    mine = threading.get_ident()

    def work() -> None:
        if inside:
            setter(hook)

    call = memory_profile(work, sample_rate=1.0, backend="memray")
    try:
        call()
        if not inside:
            setter(hook)
        first = events[0]
        assert sys.getprofile() is hook
        end_of_the_tracker()
        assert sys.getprofile() is hook
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    # Not a frame of the monitoring's: the hook begins where the program's own code set it.
    assert first in {("return", setter.__name__), ("return", "setprofile_all_threads")}
    (profile,) = profiles()
    assert any("a profile hook of its own" in note for note in profile.notes) is inside


def test_a_hook_that_was_set_unseen_stays_too_and_the_profile_says_what_is_missing(
    profiles: Finished,
) -> None:
    def hook(frame: Any, event: str, argument: Any) -> None: ...

    def work() -> None:
        SET_PROFILE(hook)

    try:
        memory_profile(work, sample_rate=1.0, backend="memray")()
        assert sys.getprofile() is hook
    finally:
        sys.setprofile(None)
    (profile,) = profiles()
    assert any("set a profile hook during the call" in note for note in profile.notes)


def test_new_threads_of_a_call_do_not_end_its_capture(profiles: Finished) -> None:
    kept: list[bytearray] = []

    def work() -> None:
        thread = threading.Thread(target=nothing)
        thread.start()
        thread.join()
        keep(kept, 3_000_000)

    memory_profile(work, sample_rate=1.0, backend="memray")()
    (profile,) = profiles()
    assert retained(profile) == pytest.approx(3_000_000, rel=0.05)
    assert not [note for note in profile.notes if "ended before" in note]


def test_threads_that_start_as_the_tracker_ends_keep_no_hook_of_its() -> None:
    work = memory_profile(nothing, sample_rate=1.0, backend="memray")
    left: list[object] = []

    def look() -> None:
        left.append(sys.getprofile())

    ends = threading.Event()

    def start_threads() -> None:
        while not ends.is_set():
            in_a_thread(look)

    starting = threading.Thread(target=start_threads)
    starting.start()
    try:
        for _ in range(20):
            work()
            assert flush(60)
    finally:
        ends.set()
        starting.join()
    assert set(left) == {None}


def test_a_worn_capture_is_not_kept_for_the_next_call(tmp_path: Path, started: list[Any]) -> None:
    configure(max_capture_bytes=2_000_000)

    def busy() -> None:
        capture = max(tmp_path.rglob("*.bin"), key=lambda file: file.stat().st_mtime_ns)
        while capture.stat().st_size <= 500_000:
            for _ in range(1_000):
                bytearray(1_000)

    for _ in range(2):
        memory_profile(busy, sample_rate=1.0, backend="memray")()
    assert len(started) == 2
