"""`sdk-monitoring baseline`: what it keeps, and what it shows of it."""

from __future__ import annotations

import json
import random
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from application_sdk.monitoring.model.profile import ProcessInfo, Profile
from tests.cli.commands import Here, saved
from tests.cli.test_compare import MACHINE, cpu

BEGIN = datetime(2025, 3, 1, 12, tzinfo=UTC)
NAME = "my_app.orders.load"


def run(day: int, seconds: float, machine: ProcessInfo = MACHINE) -> Profile:
    return cpu(seconds, fetch=0.001, machine=machine).model_copy(
        update={"profile_id": f"run{day:03}", "started_at": BEGIN + timedelta(days=day)}
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory outside of any repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


@pytest.fixture
def month(here: Path) -> Path:
    """Thirty runs, slower by a quarter from the twentieth on."""
    chance = random.Random(4)
    for day in range(30):
        level = 1.0 if day < 20 else 1.25
        saved(run(day, level * chance.gauss(1.0, 0.01)), here / f"runs/{day:02}.json")
    return here / "runs"


def test_show_names_the_run_with_which_the_level_changes(sdk_monitoring: Here, month: Path) -> None:
    assert sdk_monitoring("baseline", "save", month).code == 0
    result = sdk_monitoring("baseline", "show", NAME, "--json")
    (history,) = json.loads(result.out)
    (change,) = history["changes"]["cpu_seconds"]
    assert change["profile_id"] == "run020"
    assert change["after"] / change["before"] == pytest.approx(1.25, abs=0.02)
    lines = sdk_monitoring("baseline", "show", NAME).out.splitlines()
    start = next(index for index, line in enumerate(lines) if "->" in line)
    assert lines[start + 1].split()[0] == "2025-03-21"


def test_show_says_when_nothing_has_changed(sdk_monitoring: Here, here: Path) -> None:
    sdk_monitoring("baseline", "save", saved(run(1, 1.0), here / "a.json"))
    assert "no change of the level" in sdk_monitoring("baseline", "show", NAME).out


def test_saving_the_same_profile_twice_changes_no_byte(sdk_monitoring: Here, here: Path) -> None:
    profile = saved(run(1, 1.0), here / "a.json")
    sdk_monitoring("baseline", "save", profile, "--directory", "kept")
    (file,) = Path("kept").rglob("history.json")
    before = file.read_bytes()
    sdk_monitoring("baseline", "save", profile, "--directory", "kept")
    assert file.read_bytes() == before


def test_one_run_more_only_adds_lines_to_the_file(sdk_monitoring: Here, here: Path) -> None:
    sdk_monitoring("baseline", "save", saved(run(1, 1.0), here / "a.json"))
    (file,) = here.glob(".monitoring-baselines/*/*/history.json")
    before = file.read_text().splitlines()
    sdk_monitoring("baseline", "save", saved(run(2, 1.0), here / "b.json"))
    after = file.read_text().splitlines()
    # The comma behind the run that was the last is the only other change.
    kept = [line.rstrip(",") for line in after[: len(before) - 2]]
    assert kept == [line.rstrip(",") for line in before[:-2]]
    assert len(after) > len(before)


def test_each_kind_of_machine_has_a_history_of_its_own(sdk_monitoring: Here, here: Path) -> None:
    other = MACHINE.model_copy(update={"cpu_model": "B"})
    saved(run(1, 1.0), here / "runs/a.json")
    saved(run(2, 9.0, other), here / "runs/b.json")
    sdk_monitoring("baseline", "save", here / "runs")
    listed = json.loads(sdk_monitoring("baseline", "list", "--json").out)
    assert {item["machine"]["cpu_model"]: item["runs"] for item in listed} == {"A": 1, "B": 1}
    assert "(B x 2, CPython 3.11.7)" in sdk_monitoring("baseline", "list").out


def test_a_history_keeps_its_newest_runs_and_the_newest_profiles_to_compare_with(
    sdk_monitoring: Here, month: Path
) -> None:
    sdk_monitoring("baseline", "save", month, "--keep", "8", "--references", "3")
    (history,) = json.loads(sdk_monitoring("baseline", "show", NAME, "--json").out)
    assert [each["profile_id"] for each in history["runs"]] == [f"run{n:03}" for n in range(22, 30)]
    (reference,) = Path().glob(".monitoring-baselines/*/*/reference")
    assert sorted(file.stem for file in reference.iterdir()) == ["run027", "run028", "run029"]
    assert sdk_monitoring("compare", reference, month / "25.json").code == 0
    assert sdk_monitoring("compare", reference, saved(run(40, 2.0), Path("x.json"))).code == 1


def test_prune_drops_what_is_too_much_or_too_old(sdk_monitoring: Here, month: Path) -> None:
    sdk_monitoring("baseline", "save", month)
    assert sdk_monitoring("baseline", "prune", "--keep", "12").out == "18 runs dropped\n"
    assert sdk_monitoring("baseline", "prune").out == "0 runs dropped\n"
    days = (datetime.now(UTC) - BEGIN) / timedelta(days=1) - 25.5
    assert sdk_monitoring("baseline", "prune", "--older-than", str(days)).code == 0
    (history,) = json.loads(sdk_monitoring("baseline", "show", NAME, "--json").out)
    assert history["runs"][0]["profile_id"] == "run026"
    sdk_monitoring("baseline", "prune", "--older-than", "0")
    assert sdk_monitoring("baseline", "list").out.startswith("no baselines in")
    assert list(Path().glob(".monitoring-baselines/**/*.json")) == []


def test_in_a_repository_they_are_at_its_top_and_name_the_commit(
    sdk_monitoring: Here, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "first"]):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *words], check=True)  # noqa: S607
    profile = saved(run(1, 1.0), here / "a.json")
    (here / "deep").mkdir()
    monkeypatch.chdir(here / "deep")
    sdk_monitoring("baseline", "save", profile)
    (file,) = here.glob(".monitoring-baselines/*/*/history.json")
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(file.read_text())["runs"][0]["revision"] == head.stdout.strip()


def test_names_that_look_alike_when_made_safe_stay_apart(sdk_monitoring: Here, here: Path) -> None:
    for number, name in enumerate(("a b", "a/b", "a_b")):
        profile = run(number, 1.0).model_copy(update={"name": name})
        sdk_monitoring("baseline", "save", saved(profile, here / "a.json"))
    listed = json.loads(sdk_monitoring("baseline", "list", "--json").out)
    assert sorted((item["target"], item["runs"]) for item in listed) == [
        ("a b", 1),
        ("a/b", 1),
        ("a_b", 1),
    ]


def test_a_call_that_raised_is_no_baseline_and_nothing_is_written(
    sdk_monitoring: Here, here: Path
) -> None:
    saved(run(1, 1.0), here / "runs/a.json")
    failed = run(2, 1.0).model_copy(update={"outcome": "raised"})
    saved(failed, here / "runs/b.json")
    result = sdk_monitoring("baseline", "save", here / "runs")
    assert result.code == 2
    assert "only a call that returned is a baseline" in result.err
    assert not (here / ".monitoring-baselines").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "unknown"], "no baseline of unknown"),
        (["save", "missing.json"], "missing.json"),
        (["prune", "--keep", "0"], "--keep 0 is not allowed"),
        (["prune", "--references", "-1"], "--references -1 is not allowed"),
        (["prune", "--older-than", "1e9"], "too long ago"),
        ([], "ACTION"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line(
    sdk_monitoring: Here, here: Path, words: list[str], message: str
) -> None:
    result = sdk_monitoring("baseline", *words)
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1


def test_a_damaged_history_is_named(sdk_monitoring: Here, here: Path) -> None:
    file = here / ".monitoring-baselines/t/abc/history.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    result = sdk_monitoring("baseline", "list")
    assert result.code == 2
    assert "history.json is no baseline: target Field required" in result.err
