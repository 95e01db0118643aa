"""Large profiles are rendered by the helper process, and come out the same."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from application_sdk.monitoring import Profile, flamegraph, load_profile
from application_sdk.monitoring.exporters.writing import LARGE_NODES, Writing, write_files
from application_sdk.monitoring.helper.client import helper
from application_sdk.monitoring.model.call_tree import CallTree, Frame
from application_sdk.monitoring.model.profile import (
    CpuProfile,
    MemoryProfile,
    ProcessInfo,
    SamplingInfo,
)
from application_sdk.monitoring.model.stack_table import StackTable
from application_sdk.monitoring.protocols import ProfiledCall
from application_sdk.monitoring.registry import EXTENSIONS, cpu_backends, renderers

Finished = Callable[[], list[Profile]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no helper")


def large_tree(*metrics: str, nodes: int = LARGE_NODES) -> CallTree:
    """A tree whose names and numbers are not easy to carry."""
    table = StackTable(metrics, 10 * nodes)
    for number in range(nodes // 4):
        stack = [Frame(f"f{number}é<&\u2028", "/a b/ü.py", number), Frame(f"g{number % 7}", "", 0)]
        table.add([Frame("root", "root.py", 1), *stack], [0.1 * number] * len(metrics))
        table.add([*stack, Frame("h", "<string>", number)], [number] * len(metrics))

    def describe(key: object) -> Frame:
        assert isinstance(key, Frame)
        return key

    return table.tree(describe)


def large_profile(nodes: int = LARGE_NODES) -> Profile:
    return Profile(
        profile_id="0" * 32,
        name="large",
        started_at=datetime(2024, 1, 2, 3, 4, 5, 678901, UTC),
        duration_seconds=1.25,
        outcome="returned",
        process=ProcessInfo(
            pid=1, hostname="h", python="3", implementation="C", monitoring_version="0"
        ),
        sampling=SamplingInfo(mode="fixed", rate=1.0),
        cpu=CpuProfile(
            backend="sampler",
            interval_seconds=0.01,
            sample_count=3,
            wall_seconds=1.0,
            cpu_seconds=None,
            await_seconds=None,
            tree=large_tree("wall_seconds", nodes=nodes),
        ),
        memory=MemoryProfile(
            backend="memray",
            scope="call",
            rss_before_bytes=None,
            rss_after_bytes=2,
            rss_peak_bytes=3,
            timeline=((0.0, 1), (0.25, 2)),
            peak_tree=large_tree("bytes", "allocations", nodes=nodes),
        ),
        notes=("a note",),
    )


def store(profile: Profile, directory: Path, *formats: str) -> Writing:
    return write_files(profile, directory, formats, 10, 10**9)


def test_a_large_profile_comes_out_as_if_it_were_rendered_here(tmp_path: Path) -> None:
    profile = large_profile()
    formats = tuple(EXTENSIONS)
    writing = store(profile, tmp_path, *formats)
    assert helper.pid is not None
    assert writing.cpu_seconds > 0
    assert [file.name.partition(".678901Z_")[2] for file in writing.files] == [
        f"{'0' * 32}{EXTENSIONS[name]}" for name in formats
    ]
    for name, file in zip(formats, writing.files, strict=True):
        assert file.read_bytes() == renderers.get(name)(profile), name
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_small_profile_needs_no_helper(tmp_path: Path) -> None:
    writing = store(large_profile(nodes=40), tmp_path, "html", "json")
    assert len(writing.files) == 2
    assert writing.cpu_seconds == 0
    assert helper.pid is None


@pytest.fixture
def own_format() -> Iterator[str]:
    seen_in = os.getpid()
    renderers.register("own", lambda profile: f"{profile.name} {seen_in == os.getpid()}".encode())
    yield "own"
    renderers.unregister("own")


def test_a_format_of_the_program_is_rendered_in_the_program(
    own_format: str, tmp_path: Path
) -> None:
    files = store(large_profile(), tmp_path, "json", own_format, "summary").files
    assert [file.suffix for file in files] == [".json", ".own", ".txt"]
    assert files[1].read_text() == "large True"
    assert helper.pid is not None


def test_relative_directories_stay_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (file,) = store(large_profile(), Path("here"), "json").files
    assert file.parts[:2] == ("here", "large")
    assert file.exists()


def test_without_a_helper_a_large_profile_is_rendered_here_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    writing = store(large_profile(), tmp_path, "json")
    assert writing.cpu_seconds == 0
    notes = load_profile(writing.files[0]).notes
    assert notes[0] == "a note"
    assert notes[1].startswith("this profile was rendered in the profiled process, because")


def test_a_full_disk_is_the_same_error_as_here(tmp_path: Path) -> None:
    (tmp_path / "large").write_text("in the way")
    with pytest.raises(OSError) as caught:  # noqa: PT011 - its number is compared
        store(large_profile(), tmp_path, "json")
    assert caught.value.errno == errno.EEXIST
    assert helper.pid is not None  # it answered, and did not die


def test_a_link_below_the_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "large").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="is a symbolic link"):
        store(large_profile(), tmp_path, "json")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_format_that_fails_is_left_out_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    profile = large_profile()
    broken = profile.model_copy(update={"process": profile.process.model_copy()})
    object.__setattr__(broken, "notes", ("\udce9",))  # no UTF-8: JSON cannot hold it
    files = store(broken, tmp_path, "json", "collapsed").files
    assert [file.name.endswith(".collapsed.txt") for file in files] == [True]
    assert "failed while rendering json" in caplog.text


class LargeCapture:
    """A backend whose tree is large at once."""

    backend = "large"

    def __init__(self, call: ProfiledCall) -> None:
        self.call = call

    def start(self) -> None: ...
    def resume(self) -> None: ...
    def pause(self, awaiting: bool) -> None: ...
    def enter_part(self) -> None: ...
    def leave_part(self) -> None: ...
    def stop(self) -> None: ...
    def abandon(self) -> None: ...

    def half(self) -> CpuProfile:
        found = large_profile().cpu
        assert found is not None
        return found


@pytest.fixture
def large_backend() -> Iterator[str]:
    cpu_backends.register("large", LargeCapture)
    yield "large"
    cpu_backends.unregister("large")


def test_callbacks_get_the_whole_profile_of_a_large_call(
    large_backend: str, profiles: Finished, tmp_path: Path
) -> None:
    @flamegraph(name="works", sample_rate=1.0, backend=large_backend, formats=["json"])
    def works() -> None: ...

    works()
    (profile,) = profiles()
    assert profile.cpu is not None
    assert len(profile.cpu.tree) >= LARGE_NODES / 2
    assert helper.pid is not None
    (file,) = tmp_path.rglob("*.json")
    assert load_profile(file) == profile
