"""Captures that outlive their process, stay within bounds, and can be read before they end."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from application_sdk.monitoring import Profile, configure, flush, load_profile, memory_profile
from application_sdk.monitoring.cli.main import main
from application_sdk.monitoring.engine.recovery import recover

PROJECT = Path(__file__).parents[2]
Finished = Callable[[], list[Profile]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="memray needs Linux or macOS")

WORKER = """
    import sys
    from application_sdk.monitoring import configure, memory_profile

    configure(output_dir=sys.argv[1], sample_rate=1.0)
    kept = []

    def remember(size):
        kept.append(bytearray(size))

    @memory_profile(name="grows")
    def grows():
        remember(12_000_000)
        print("running", flush=True)
        sys.stdin.read()

    grows()
"""


def killed_worker(directory: Path) -> None:
    """Run a worker and kill it in the middle of a captured call."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WORKER), str(directory)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "running\n"
        worker.send_signal(signal.SIGKILL)


def check_recovered(profile: Profile) -> None:
    assert profile.name == "grows"
    assert any("killed" in note for note in profile.notes)
    assert profile.cpu is None
    assert profile.memory is not None
    assert profile.memory.retained_tree is not None
    keepers = {s.function: s.self_value for s in profile.memory.retained_tree.functions()}
    assert keepers["remember"] == pytest.approx(12_000_000, rel=0.1)


def test_the_profile_of_a_killed_call_is_recovered_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "worker"
    killed_worker(directory)
    assert main(["recover", str(directory)]) == 0
    assert "grows" in capsys.readouterr().out
    (written,) = directory.rglob("*.json")
    check_recovered(load_profile(written))
    assert len(list(directory.rglob("*.html"))) == 1
    assert list((directory / ".captures").iterdir()) == []
    before = sorted(directory.rglob("*"))
    assert main(["recover", str(directory)]) == 0
    assert "nothing to recover" in capsys.readouterr().out
    assert sorted(directory.rglob("*")) == before


def test_recovered_profiles_can_go_elsewhere(tmp_path: Path) -> None:
    killed_worker(tmp_path / "worker")
    assert main(["recover", str(tmp_path), "-o", str(tmp_path / "found")]) == 0
    (written,) = (tmp_path / "found").rglob("*.json")
    check_recovered(load_profile(written))


def test_the_next_worker_recovers_what_the_last_one_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "worker"
    killed_worker(directory)
    configure(output_dir=directory)

    @memory_profile(sample_rate=1.0, name="next")
    def following() -> None: ...

    following()
    assert flush(60)
    assert {load_profile(p).name for p in directory.rglob("*.json")} == {"next", "grows"}
    assert any("were running when an earlier process died" in r.message for r in caplog.records)


def test_a_capture_cut_off_anywhere_is_recovered_as_far_as_it_goes(tmp_path: Path) -> None:
    directory = tmp_path / "worker"
    killed_worker(directory)
    (capture,) = directory.rglob("*.bin")
    capture.write_bytes(capture.read_bytes()[:40])
    ((profile, _files),) = recover(directory)
    assert profile.memory is not None
    assert profile.memory.retained_tree is None or profile.memory.retained_bytes == 0
    assert list((directory / ".captures").iterdir()) == []


def test_a_running_workers_capture_is_left_alone(tmp_path: Path, profiles: Finished) -> None:
    @memory_profile(sample_rate=1.0, name="alive")
    def alive() -> list[object]:
        return list(recover(tmp_path))

    assert alive() == []
    (profile,) = profiles()
    assert profile.memory is not None
    assert profile.memory.backend == "memray"


def test_recovering_nowhere_is_an_error_of_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recover", str(tmp_path / "missing")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_short_call_is_read_while_a_long_one_goes_on(profiles: Finished) -> None:
    begun, end = threading.Event(), threading.Event()
    kept = []

    @memory_profile(sample_rate=1.0, name="long")
    def long() -> None:
        begun.set()
        assert end.wait(60)

    @memory_profile(sample_rate=1.0, name="short")
    def short() -> None:
        kept.append(bytearray(5_000_000))

    thread = threading.Thread(target=long)
    thread.start()
    assert begun.wait(60)
    short()
    (profile,) = profiles()
    end.set()
    thread.join()
    assert profile.name == "short"
    assert profile.memory is not None
    assert profile.memory.retained_bytes == pytest.approx(5_000_000, rel=0.25)
    assert [p.name for p in profiles()] == ["short", "long"]


def test_a_capture_ends_at_max_capture_bytes(profiles: Finished) -> None:
    configure(max_capture_bytes=1_000_000)

    @memory_profile(sample_rate=1.0, name="busy")
    def busy() -> None:
        from application_sdk.monitoring.profile_hook import profile_hook

        while profile_hook.holder is not None:
            for _ in range(1000):
                bytearray(1000)
            time.sleep(0.003)  # all that is recorded before the next look is read afterwards

    busy()
    (profile,) = profiles()
    assert any("max_capture_bytes" in note for note in profile.notes)
    assert profile.memory is not None
    assert profile.memory.backend == "memray"


def test_a_capture_ends_after_max_duration_while_others_go_on(profiles: Finished) -> None:
    configure(max_duration_seconds=0.2)
    kept = []

    @memory_profile(sample_rate=1.0, name="long")
    def long() -> None:
        from application_sdk.monitoring.profile_hook import profile_hook

        kept.append(bytearray(3_000_000))
        while profile_hook.holder is not None:
            bytearray(1000)
            time.sleep(0.001)
        kept.append(bytearray(20_000_000))

    long()
    (profile,) = profiles()
    assert any("max_duration_seconds" in note for note in profile.notes)
    assert profile.memory is not None
    assert profile.memory.retained_bytes == pytest.approx(3_000_000, rel=0.4)
