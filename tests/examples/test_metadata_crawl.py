"""The demo runs on a real Temporal worker and test server, and finds the planted leak."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from application_sdk.monitoring import load_profile

PROJECT = Path(__file__).parents[2]


def test_the_demo_profiles_three_activities_and_shows_the_leak(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            *("-m", "examples.metadata_crawl"),
            *("--files", "150", "--output", str(tmp_path)),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    profiles = {p.name.rpartition(".")[2]: p for p in map(load_profile, tmp_path.rglob("*.json"))}
    assert set(profiles) == {"find_sources", "parse_sources", "summarize"}
    for profile in profiles.values():
        assert profile.cpu is not None
        assert profile.memory is not None
        assert profile.context.workflow_type == "MetadataCrawl"
        assert profile.context.attempt == 1
    parse = profiles["parse_sources"].memory
    assert parse is not None
    assert parse.retained_tree is not None
    keeper = max(parse.retained_tree.functions(), key=lambda stat: stat.self_value)
    assert keeper.function == "remember_source"
    assert "remember_source keeps" in done.stdout
