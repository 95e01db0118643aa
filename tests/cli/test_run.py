from __future__ import annotations

import json
from pathlib import Path

import pytest

from application_sdk.monitoring import Profile, load_profile
from tests.cli.commands import Result, command

PROGRAM = """
import sys, time

def burn(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        sum(range(1000))

def hold():
    return [bytearray(1 << 20) for _ in range(8)]

if __name__ == "__main__":
    KEPT = hold()
    burn(0.15)
    print(__name__, __file__, sys.argv[1:], sys.path[0])
    sys.exit(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
"""

MODULE = """
import asyncio, sys

async def waits(*names):
    await asyncio.sleep(0.1)
    print(names)

def plain():
    print(sys.argv)

def fails():
    raise LookupError("gone")

def takes(one, two):
    print(one + two)

def steps():
    yield 1
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "job.py").write_text(PROGRAM)
    (tmp_path / "jobs.py").write_text(MODULE)
    return tmp_path


def only_profile(result: Result) -> Profile:
    files = [line.removeprefix("sdk-monitoring: ") for line in result.err.splitlines()]
    (path,) = [file for file in files if file.endswith(".json")]
    return load_profile(path)


def test_a_script_runs_as_it_would_alone_and_both_halves_are_captured(place: Path) -> None:
    result = command("run", "-o", "out", "job.py", cwd=place)
    assert result.code == 0
    assert result.out == f"__main__ {place / 'job.py'} [] {place}\n"
    profile = only_profile(result)
    assert (profile.name, profile.outcome) == ("job", "returned")
    assert profile.cpu is not None
    assert profile.memory is not None
    assert profile.memory.peak_tree is not None
    root = profile.cpu.tree.frame(0)
    assert (root.function, root.file) == ("<module>", str(place / "job.py"))
    burn = next(stat for stat in profile.cpu.tree.functions() if stat.function == "burn")
    assert 0.1 <= burn.total_value <= profile.cpu.wall_seconds
    hold = next(stat for stat in profile.memory.peak_tree.functions() if stat.function == "hold")
    assert hold.total_value == pytest.approx(8 << 20, rel=0.05)


def test_the_scripts_own_arguments_and_exit_code_are_kept(place: Path) -> None:
    result = command("run", "--cpu", "job.py", "3", "--memory", "-o", "x", cwd=place)
    assert result.code == 3
    assert "['3', '--memory', '-o', 'x']" in result.out
    profile = only_profile(result)
    assert profile.memory is None
    assert (profile.outcome, profile.exception_type) == ("raised", "SystemExit")


def test_only_the_half_that_was_asked_for_is_captured(place: Path) -> None:
    profile = only_profile(command("run", "--memory", "job.py", cwd=place))
    assert profile.cpu is None
    assert profile.memory is not None


def test_an_exception_shows_as_it_would_alone(place: Path) -> None:
    result = command("run", "--cpu", "jobs:fails", cwd=place)
    assert result.code == 1
    shown = result.err[: result.err.index("LookupError: gone")]
    assert shown.count("  File ") == 1
    assert 'in fails\n    raise LookupError("gone")' in shown
    assert only_profile(result).exception_type == "LookupError"


def test_an_async_function_is_awaited_with_the_arguments(place: Path) -> None:
    result = command("run", "--cpu", "jobs:waits", "a", "b", cwd=place)
    assert (result.code, result.out) == (0, "('a', 'b')\n")
    profile = only_profile(result)
    assert profile.name == "jobs.waits"
    assert profile.cpu is not None
    assert profile.cpu.await_seconds is not None
    assert 0.1 <= profile.cpu.await_seconds <= profile.cpu.wall_seconds


def test_a_function_without_parameters_finds_the_arguments_in_argv(place: Path) -> None:
    result = command("run", "--cpu", "jobs:plain", "a", cwd=place)
    assert (result.code, result.out) == (0, "['jobs:plain', 'a']\n")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("jobs:takes", "cannot be called with no arguments"),
        ("jobs:missing", "jobs has no missing"),
        ("jobs:steps", "is a generator"),
    ],
)
def test_what_cannot_be_called_is_refused_with_the_reason(
    place: Path, target: str, said: str
) -> None:
    result = command("run", target, cwd=place)
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1


def test_a_script_that_does_not_compile_is_refused(place: Path) -> None:
    (place / "broken.py").write_text("def (:\n")
    result = command("run", "broken.py", cwd=place)
    assert result.code == 2
    assert "invalid syntax" in result.err
    assert result.err.count("\n") == 1


def test_what_the_script_pickles_and_starts_finds_its_main_module(place: Path) -> None:
    (place / "pool.py").write_text(
        "import multiprocessing\n"
        "def double(x):\n"
        "    return 2 * x\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(double, [1, 2]))\n"
    )
    result = command("run", "--cpu", "pool.py", cwd=place)
    assert (result.code, result.out) == (0, "[2, 4]\n")


def test_switched_off_monitoring_runs_the_program_and_says_so(place: Path) -> None:
    result = command("run", "jobs:plain", cwd=place, env={"ATLAN_MONITORING_ENABLED": "false"})
    assert (result.code, result.out) == (0, "['jobs:plain']\n")
    assert result.err == "sdk-monitoring: there is no profile: monitoring is switched off\n"


def test_a_program_that_changes_the_directory_leaves_its_profile_where_it_was_asked_for(
    place: Path,
) -> None:
    (place / "moves.py").write_text("import os\nos.chdir('/')\n")
    result = command("run", "--cpu", "-o", "out", "moves.py", cwd=place)
    assert result.code == 0
    (path,) = (place / "out" / "moves").glob("*.json")
    assert json.loads(path.read_bytes())["name"] == "moves"


def test_a_module_that_exits_when_it_is_imported_is_said_and_not_taken_for_success(
    place: Path,
) -> None:
    (place / "exits_on_import.py").write_text("raise SystemExit(0)\n")
    result = command("run", "exits_on_import:main", cwd=place)
    assert result.code == 2
    assert result.err == "sdk-monitoring: cannot import exits_on_import: SystemExit: 0\n"


def test_a_directory_that_cannot_be_written_is_refused_before_the_program_runs(
    place: Path,
) -> None:
    (place / "taken").write_text("a file")
    result = command("run", "-o", "taken", "job.py", cwd=place)
    assert (result.code, result.out) == (2, "")
    assert result.err == "sdk-monitoring: cannot write profiles to taken: File exists\n"
