"""Every program of the tutorial runs as it stands there and makes the profiles it promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from application_sdk.monitoring import Profile, load_profile

PROJECT = Path(__file__).parents[1]
TUTORIAL = (PROJECT / "docs" / "tutorial.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"<!-- run: (\S+) -->\n```python\n(.*?)```", TUTORIAL, re.DOTALL))


def _run(name: str, directory: Path, program: str | None = None) -> tuple[str, list[Profile]]:
    (directory / name).write_text(program or PROGRAMS[name], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, name],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, [load_profile(path) for path in directory.rglob("profiles/*/*.json")]


def test_every_python_program_of_the_tutorial_is_run() -> None:
    assert TUTORIAL.count("```python") == len(PROGRAMS) == 5


def test_one_decorated_function_makes_three_files(tmp_path: Path) -> None:
    _, (profile,) = _run("orders.py", tmp_path)

    files = sorted(path.suffix for path in tmp_path.glob("profiles/__main__.total_price/*"))
    assert files == [".html", ".json", ".txt"]
    assert profile.cpu is not None
    assert profile.memory is None


def test_the_cache_retains_twenty_megabytes_in_record(tmp_path: Path) -> None:
    _, (profile,) = _run("cache.py", tmp_path)

    assert profile.cpu is not None
    assert profile.memory is not None
    assert profile.memory.retained_tree is not None
    assert profile.memory.retained_bytes == pytest.approx(20_000_000, rel=0.2)
    keeper = max(profile.memory.retained_tree.functions(), key=lambda stat: stat.self_value)
    assert keeper.function == "record"


def test_each_kind_of_callable_makes_its_profile(tmp_path: Path) -> None:
    _, profiles = _run("kinds.py", tmp_path)

    by_name = {profile.name: profile for profile in profiles}
    assert set(by_name) == {
        "__main__.fetch",
        "__main__.rows",
        "__main__.Importer.write",
        "the last step",
    }
    fetch = by_name["__main__.fetch"].cpu
    assert fetch is not None
    assert fetch.await_seconds == pytest.approx(0.2, rel=0.2)


def test_a_program_can_read_its_own_profile(tmp_path: Path) -> None:
    output, _ = _run("values.py", tmp_path)

    first, second = output.splitlines()[:2]
    assert first.startswith("__main__.build ")
    assert second.split()[0] in {"build", "<listcomp>"}


def test_the_activities_of_the_tutorial_can_be_registered_with_a_worker(tmp_path: Path) -> None:
    program = PROGRAMS["activities.py"] + (
        "\nfrom temporalio.activity import _Definition\n"
        "print(_Definition.must_from_callable(extract).name)\n"
        "print(_Definition.must_from_callable(Reports().summarize).name)\n"
    )
    output, _ = _run("activities.py", tmp_path, program)

    assert output.split() == ["extract", "summarize"]
