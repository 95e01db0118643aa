"""Each example is one command, and leaves the profiles that it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from application_sdk.monitoring import Profile, load_profile

PROJECT = Path(__file__).parents[2]


def run_example(name: str, output: Path) -> dict[str, list[Profile]]:
    """Run it; its profiles by name."""
    done = subprocess.run(
        [sys.executable, "-m", f"examples.{name}", "--output", str(output)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stderr, done.stderr
    found: dict[str, list[Profile]] = {}
    for profile in map(load_profile, output.rglob("*.json")):
        found.setdefault(profile.name.removeprefix(f"examples.{name}."), []).append(profile)
    for profiles in found.values():
        for profile in profiles:
            assert profile.outcome == "returned"
            assert f"{profile.profile_id}.html" in done.stdout
    return found


def test_old_style_profiles_the_workflow_and_its_activities(tmp_path: Path) -> None:
    found = run_example("old_style", tmp_path)
    assert set(found) == {"app.Activities.fetch", "app.Activities.count", "app.CountWords.run"}
    assert found["app.Activities.fetch"][0].memory is not None


def test_interceptor_only_profiles_what_its_list_allows(tmp_path: Path) -> None:
    found = run_example("interceptor_only", tmp_path)
    assert set(found) == {"app.collatz", "app.Search.run"}


def test_plain_asyncio_profiles_each_request(tmp_path: Path) -> None:
    found = run_example("plain_asyncio", tmp_path)
    assert set(found) <= {"__main__.answer"}
    (profiles,) = found.values()
    assert len(profiles) == 3


@pytest.mark.parametrize("name", ["old_style", "interceptor_only", "plain_asyncio"])
def test_every_example_says_what_it_takes(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"examples.{name}", "--help"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "--output" in done.stdout
