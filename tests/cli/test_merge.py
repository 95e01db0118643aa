from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from application_sdk.monitoring import load_profile
from tests.cli.commands import ROOT, Here, saved
from tests.interchange.builders import both_halves, profile_of


def test_values_are_added_per_call_path_and_the_peak_is_said_to_be_a_sum(
    sdk_monitoring: Here, tmp_path: Path
) -> None:
    paths = [saved(both_halves(profile_id=f"{n:032x}"), tmp_path / f"{n}.json") for n in range(3)]
    result = sdk_monitoring("merge", *paths, "-o", tmp_path / "sum.json")
    assert (result.code, result.out) == (0, "")
    merged, one = load_profile(tmp_path / "sum.json"), both_halves()
    assert merged.cpu is not None
    assert merged.memory is not None
    assert one.cpu is not None
    assert one.memory is not None
    assert merged.cpu.tree.parents == one.cpu.tree.parents
    for metric in one.cpu.tree.metrics:
        assert merged.cpu.tree.self_values(metric) == pytest.approx(
            [3 * value for value in one.cpu.tree.self_values(metric)]
        )
    assert merged.memory.peak_bytes == 3 * (one.memory.peak_bytes or 0)
    assert merged.memory.retained_bytes == 3 * (one.memory.retained_bytes or 0)
    assert merged.cpu.sample_count == 3 * one.cpu.sample_count
    assert merged.duration_seconds == pytest.approx(3 * one.duration_seconds)
    assert any("sum of each call's own peak" in note for note in merged.notes)


def test_a_directory_stands_for_all_profiles_below_it(sdk_monitoring: Here, tmp_path: Path) -> None:
    saved(both_halves(), tmp_path / "p" / "a" / "1.json")
    saved(both_halves(), tmp_path / "p" / "b" / "2.json")
    (tmp_path / "p" / "b" / "2.speedscope.json").write_text("{}")
    assert sdk_monitoring("merge", tmp_path / "p", "-o", tmp_path / "sum.json").code == 0
    assert load_profile(tmp_path / "sum.json").notes[0].startswith("the sum of 2 profiles")


def test_an_unreadable_file_stops_the_merge_unless_it_may_be_left_out(
    sdk_monitoring: Here, tmp_path: Path
) -> None:
    good = saved(both_halves(), tmp_path / "a.json")
    bad = tmp_path / "b.json"
    bad.write_text("{")
    target = tmp_path / "sum.json"
    assert sdk_monitoring("merge", good, bad, "-o", target).code == 2
    assert not target.exists()
    assert sdk_monitoring("merge", good, bad, "-o", target, "--skip-unreadable").code == 0
    assert any("1 files were left out" in note for note in load_profile(target).notes)
    assert sdk_monitoring("merge", bad, "-o", target, "--skip-unreadable").code == 2


def test_a_metric_that_some_profiles_lack_is_left_out_and_said(
    sdk_monitoring: Here, tmp_path: Path
) -> None:
    whole = both_halves()
    assert whole.cpu is not None
    tree = whole.cpu.tree.model_copy(
        update={
            "metrics": ("wall_seconds",),
            "values": {"wall_seconds": whole.cpu.tree.values["wall_seconds"]},
        }
    )
    half = whole.model_copy(
        update={
            "cpu": whole.cpu.model_copy(
                update={"tree": tree, "cpu_seconds": None, "await_seconds": None}
            )
        }
    )
    paths = [saved(whole, tmp_path / "a.json"), saved(half, tmp_path / "b.json")]
    assert sdk_monitoring("merge", *paths, "-o", tmp_path / "sum.json").code == 0
    merged = load_profile(tmp_path / "sum.json")
    assert merged.cpu is not None
    assert merged.cpu.tree.metrics == ("wall_seconds",)
    assert merged.cpu.cpu_seconds is None
    assert any("cpu_seconds, await_seconds was not measured" in note for note in merged.notes)


def test_profiles_without_trees_merge_too(sdk_monitoring: Here, tmp_path: Path) -> None:
    path = saved(profile_of(), tmp_path / "a.json")
    assert sdk_monitoring("merge", path, path, "-o", tmp_path / "sum.json").code == 0
    merged = load_profile(tmp_path / "sum.json")
    assert merged.cpu is None
    assert merged.memory is None


def test_what_all_calls_share_of_their_context_is_kept(
    sdk_monitoring: Here, tmp_path: Path
) -> None:
    context = {"workflow_type": "Orders", "task_queue": "main"}
    a = saved(both_halves(context={**context, "workflow_id": "1"}), tmp_path / "a.json")
    b = saved(both_halves(context={**context, "workflow_id": "2"}), tmp_path / "b.json")
    assert sdk_monitoring("merge", a, b, "-o", tmp_path / "sum.json").code == 0
    kept = json.loads((tmp_path / "sum.json").read_bytes())["context"]
    assert kept["workflow_type"] == "Orders"
    assert kept["workflow_id"] is None


def test_memory_grows_with_the_call_paths_and_not_with_the_profiles(tmp_path: Path) -> None:
    path = saved(both_halves(), tmp_path / "a.json")
    few = _peak_of_merging(path, 20, tmp_path)
    many = _peak_of_merging(path, 3000, tmp_path)
    assert many - few < 3 << 20


def _peak_of_merging(path: Path, times: int, tmp_path: Path) -> int:
    program = (
        "import resource, sys; from application_sdk.monitoring.cli.main import main; "
        f"code = main(['merge', *[{str(path)!r}] * {times}, '-o', {str(tmp_path / 'm.json')!r}]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    unit = 1 if sys.platform == "darwin" else 1024
    return int(done.stdout) * unit
