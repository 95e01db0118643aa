"""The README's first example runs as it stands there, and its settings table is complete."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from application_sdk.monitoring import MonitoringSettings, load_profile

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_first_example_makes_one_profile_that_names_both_culprits(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "example.py").write_text(example)
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (profile,) = map(load_profile, tmp_path.rglob("profiles/*/*.json"))
    assert profile.cpu is not None
    assert profile.memory is not None
    assert profile.memory.retained_tree is not None
    assert max(profile.cpu.tree.functions(), key=lambda s: s.self_value).function == "burn_cpu"
    keeper = max(profile.memory.retained_tree.functions(), key=lambda s: s.self_value)
    assert keeper.function == "keep_memory"


def test_the_settings_table_lists_every_setting() -> None:
    listed = {name.lower() for name in re.findall(r"`ATLAN_MONITORING_([A-Z_]+)` \|", README)}
    assert listed == set(MonitoringSettings.model_fields)
