"""Captures are read by a helper process, which may die, be missing, or outlive its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from application_sdk.monitoring import Profile, load_profile, memory_profile
from application_sdk.monitoring.backends import reading
from application_sdk.monitoring.backends.reading import Wanted
from application_sdk.monitoring.helper import client
from application_sdk.monitoring.helper.client import HelperLost, helper
from application_sdk.monitoring.helper.wire import Line
from application_sdk.monitoring.model.call_tree import Frame

PROJECT = Path(__file__).parents[2]
Finished = Callable[[], list[Profile]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="memray needs Linux or macOS")

kept: list[bytearray] = []


@memory_profile(sample_rate=1.0)
def remembers() -> None:
    kept.append(bytearray(3_000_000))


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    kept.clear()


def retained(profile: Profile) -> int:
    assert profile.memory is not None
    assert profile.memory.retained_bytes is not None
    return profile.memory.retained_bytes


def run_program(
    source: str, *arguments: str, cwd: Path = PROJECT
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source), *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def is_gone(pid: int) -> bool:
    """Whether a process has ended within a few seconds."""
    until = time.monotonic() + 15
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat")
            if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True  # nobody has asked for its exit status yet
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_one_helper_reads_the_captures_of_several_calls(profiles: Finished) -> None:
    remembers()
    profiles()
    first = helper.pid
    remembers()
    profile = profiles()[-1]
    assert first is not None
    assert helper.pid == first
    assert first != os.getpid()
    assert 3_000_000 <= retained(profile) < 4_000_000
    assert not any("read in the profiled process" in note for note in profile.notes)


def test_a_killed_helper_is_replaced(profiles: Finished) -> None:
    remembers()
    profiles()
    first = helper.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    remembers()
    profile = profiles()[-1]
    assert helper.pid not in (None, first)
    assert retained(profile) >= 3_000_000


def test_a_helper_ignores_the_signals_that_are_meant_for_the_worker(profiles: Finished) -> None:
    remembers()
    profiles()
    first = helper.pid
    assert first is not None
    os.kill(first, signal.SIGTERM)
    os.kill(first, signal.SIGINT)
    remembers()
    profiles()
    assert helper.pid == first


@pytest.mark.parametrize("executable", ["", "/nowhere/python", "/bin/false"])
def test_without_a_helper_a_small_capture_is_read_here_and_says_so(
    executable: str, profiles: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    remembers()
    profile = profiles()[-1]
    assert retained(profile) >= 3_000_000
    assert any("read in the profiled process, because" in note for note in profile.notes)
    assert helper.pid is None


def test_without_a_helper_a_large_capture_leaves_the_rss_and_a_reason(
    profiles: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setattr(reading, "SMALL_BYTES", 10)
    remembers()
    profile = profiles()[-1]
    assert profile.memory is not None
    assert profile.memory.backend == "rss"
    assert profile.memory.retained_bytes is None
    assert any("too many to read in the profiled process" in note for note in profile.notes)


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="there is no look at ended children here")
def test_a_helper_that_has_ended_leaves_no_zombie(profiles: Finished) -> None:
    remembers()
    profiles()
    first = helper.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    waiting = [thread for thread in threading.enumerate() if thread.name == "monitoring-helper"]
    for thread in waiting:
        thread.join(10)
    assert waiting
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_a_helper_that_dies_in_the_middle_of_a_request_is_replaced() -> None:
    tries: list[int] = []

    def request() -> Iterator[Line]:
        yield {"job": "read", "path": "/nowhere", "wanted": {}}
        tries.append(helper.pid or 0)
        if len(tries) == 1:
            os.kill(tries[0], signal.SIGKILL)

    with pytest.raises(OSError, match="nowhere"):
        helper.ask(request, lambda: lambda line: None)
    assert len(tries) == 2
    assert helper.pid == tries[1] != tries[0]


def test_a_helper_that_dies_twice_is_given_up() -> None:
    def request() -> Iterator[Line]:
        yield {"job": "read", "path": "/nowhere", "wanted": {}}
        os.kill(helper.pid or 0, signal.SIGKILL)

    with pytest.raises(HelperLost):
        helper.ask(request, lambda: lambda line: None)
    assert helper.pid is None


def test_a_helper_that_does_not_answer_in_time_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def request() -> Iterator[Line]:
        os.kill(helper.pid or 0, signal.SIGSTOP)
        yield {"job": "read", "path": "/nowhere", "wanted": {}}

    def first_with_time() -> Iterator[Line]:
        yield {"job": "read", "path": "/nowhere", "wanted": {}}

    with pytest.raises(OSError, match="nowhere"):
        helper.ask(first_with_time, lambda: lambda line: None)
    monkeypatch.setattr(client, "_MOST_SECONDS", 0.2)
    with pytest.raises(HelperLost, match="too long"):
        helper.ask(request, lambda: lambda line: None)
    assert helper.pid is None


PROCESS = """
    import sys
    from application_sdk.monitoring.helper import process
    {change}
    process.main()
"""


def run_helper(change: str, *lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROCESS).format(change=change)],
        input="".join(f"{line}\n" for line in lines),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_helper_ends_when_nothing_is_asked_for_a_while() -> None:
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(PROCESS).format(change="process.IDLE_SECONDS = 0.1"),
        ],
        cwd=PROJECT,
        stdin=subprocess.PIPE,  # stays open
        stdout=subprocess.PIPE,
    ) as idle:
        assert idle.wait(30) == 0


def test_a_helper_ends_itself_when_a_request_takes_too_long() -> None:
    change = (
        "process.MOST_SECONDS = 0.1; process._answer = lambda *_: sys.modules['time'].sleep(30)"
    )
    done = run_helper(change, "{}", '{"end": true}')
    assert done.returncode == 3


@pytest.mark.skipif(sys.platform != "linux", reason="the limit holds on Linux")
def test_a_request_that_needs_too_much_memory_is_an_error_and_not_the_end() -> None:
    change = (
        "import operator; operator.large = lambda *_: bytearray(3 * 2**30); "
        "process._JOBS['large'] = 'operator:large'"
    )
    request = ('{"job": "large"}', '{"end": true}')
    done = run_helper(change, *request, *request)
    assert done.stdout.count("it takes more than 2,147,483,648 bytes of memory") == 2


def test_a_file_that_is_no_capture_is_an_error_and_the_helper_goes_on(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"no capture")
    with pytest.raises(OSError, match="memray"):
        reading.read_elsewhere(wrong, {"one": Wanted(Frame("f", "f.py", 1), 100)})
    first = helper.pid
    with pytest.raises(OSError, match="memray"):
        reading.read_elsewhere(wrong, {"one": Wanted(Frame("f", "f.py", 1), 100)})
    assert first is not None
    assert helper.pid == first


PROGRAM = """
    import json, os, sys
    from pathlib import Path
    from application_sdk.monitoring import configure, flush, memory_profile

    print("main runs", flush=True)
    configure(output_dir=sys.argv[1], sample_rate=1.0, formats="json")

    @memory_profile(name="remembers")
    def remembers():
        kept.append(bytearray(3_000_000))

    kept = []
    remembers()
"""


def only_profile(directory: Path) -> Profile:
    (found,) = directory.rglob("*.json")
    return load_profile(found)


def test_a_capture_is_read_at_the_interpreters_exit_and_main_runs_once(tmp_path: Path) -> None:
    done = run_program(PROGRAM, str(tmp_path / "out"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "main runs\n", "")
    profile = only_profile(tmp_path / "out")
    assert retained(profile) >= 3_000_000
    assert not any("profiled process" in note for note in profile.notes)


def test_modules_of_the_working_directory_do_not_reach_the_helper(tmp_path: Path) -> None:
    hostile = tmp_path / "a:b 'c' \"d\""
    hostile.mkdir()
    for name in ("select", "resource", "memray"):
        (hostile / f"{name}.py").write_text("raise SystemExit('hostile')")
    program = "import sys; sys.path.remove('')\n" + textwrap.dedent(PROGRAM)
    done = run_program(program, str(tmp_path / "out"), cwd=hostile)
    assert (done.returncode, done.stderr) == (0, "")
    profile = only_profile(tmp_path / "out")
    assert retained(profile) >= 3_000_000
    assert not any("profiled process" in note for note in profile.notes)


def test_the_helper_dies_with_a_killed_parent(tmp_path: Path) -> None:
    program = textwrap.dedent(PROGRAM) + textwrap.dedent("""
        from application_sdk.monitoring.helper.client import helper
        flush()
        print(helper.pid, flush=True)
        sys.stdin.read()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "out")],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "main runs\n"
        left = int(worker.stdout.readline())
        worker.kill()
    assert is_gone(left)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_forgets_the_helper_and_the_parent_keeps_it(tmp_path: Path) -> None:
    program = textwrap.dedent(PROGRAM) + textwrap.dedent("""
        import warnings
        from application_sdk.monitoring.helper.client import helper
        flush()
        mine = helper.pid
        # From 3.12 on a fork beside any other thread warns, and one waits for the helper.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if not child:
            code = 1
            try:
                assert helper.pid is None
                remembers()
                assert flush(60)
                assert helper.pid not in (None, mine)
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        remembers()
        assert flush(60)
        assert helper.pid == mine
    """)
    done = run_program(program, str(tmp_path / "out"))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "out").rglob("*.json"))) == 3
