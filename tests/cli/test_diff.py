from __future__ import annotations

import json
from pathlib import Path

from application_sdk.monitoring.analysis.difference import difference
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import Profile
from tests.cli.commands import Here, saved
from tests.interchange.builders import CPU_METRICS, both_halves, profile_of, tree_of


def cpu_profile(*functions: tuple[str, int, float]) -> Profile:
    stacks = [((Frame(name, "/app/a.py", line),), (value, 0, 0)) for name, line, value in functions]
    return profile_of(tree_of(CPU_METRICS, stacks))


def test_equal_profiles_differ_in_nothing(sdk_monitoring: Here, tmp_path: Path) -> None:
    path = saved(both_halves(), tmp_path / "a.json")
    result = sdk_monitoring("diff", path, path)
    assert result.code == 0
    assert result.out.count("no function's own value changed") == 7


def test_the_largest_change_comes_first_with_both_sides(
    sdk_monitoring: Here, tmp_path: Path
) -> None:
    base = saved(cpu_profile(("calm", 1, 1.0), ("grows", 2, 1.0)), tmp_path / "a.json")
    candidate = saved(
        cpu_profile(("calm", 1, 1.1), ("grows", 2, 3.0), ("new", 9, 0.5)), tmp_path / "b.json"
    )
    lines = sdk_monitoring("diff", base, candidate).out.splitlines()
    start = lines.index("Wall time: 2.00 s -> 4.60 s (+130.0 %)")
    assert [line.split()[-2:] for line in lines[start + 2 : start + 5]] == [
        ["grows", "/app/a.py:2"],
        ["/app/a.py:9", "(new)"],
        ["calm", "/app/a.py:1"],
    ]


def test_a_machine_reads_every_function_of_every_metric(
    sdk_monitoring: Here, tmp_path: Path
) -> None:
    base = saved(cpu_profile(("f", 1, 1.0), ("gone", 2, 2.0)), tmp_path / "a.json")
    candidate = saved(cpu_profile(("f", 1, 1.5)), tmp_path / "b.json")
    data = json.loads(sdk_monitoring("diff", base, candidate, "--json").out)
    assert data["base"]["name"] == "my_app.orders.load"
    assert data["views"][0]["functions"] == [
        {
            "function": "gone",
            "file": "/app/a.py",
            "line": 2,
            "base_self": 2.0,
            "candidate_self": 0.0,
            "base_total": 2.0,
            "candidate_total": 0.0,
        },
        {
            "function": "f",
            "file": "/app/a.py",
            "line": 1,
            "base_self": 1.0,
            "candidate_self": 1.5,
            "base_total": 1.0,
            "candidate_total": 1.5,
        },
    ]


def test_functions_that_an_edit_has_moved_are_still_the_same() -> None:
    found = difference(
        cpu_profile(("__init__", 10, 1.0), ("__init__", 50, 2.0)),
        cpu_profile(("__init__", 13, 1.0), ("__init__", 53, 2.0)),
    )
    assert [item.change for item in found.views[0].functions] == [0, 0]


def test_of_functions_with_one_name_the_unmoved_are_matched_by_their_line() -> None:
    found = difference(
        cpu_profile(("run", 10, 1.0), ("run", 50, 2.0)),
        cpu_profile(("run", 10, 1.0), ("run", 30, 5.0), ("run", 50, 2.0)),
    )
    changed = [item for item in found.views[0].functions if item.change]
    assert [(item.line, item.change) for item in changed] == [(30, 5.0)]


def test_a_half_that_only_one_side_has_is_said(sdk_monitoring: Here, tmp_path: Path) -> None:
    base = saved(both_halves(), tmp_path / "a.json")
    candidate = saved(both_halves(memory=None), tmp_path / "b.json")
    out = sdk_monitoring("diff", base, candidate).out
    assert "Only in the base: peak_bytes, peak_allocations, retained_bytes" in out


def test_text_goes_into_a_file_by_its_extension(sdk_monitoring: Here, tmp_path: Path) -> None:
    path = saved(both_halves(), tmp_path / "a.json")
    assert sdk_monitoring("diff", path, path, "-o", tmp_path / "d.txt").code == 0
    assert (tmp_path / "d.txt").read_text().startswith("base      my_app.orders.load")
    assert sdk_monitoring("diff", path, path, "-o", tmp_path / "d.pdf").code == 2


def test_a_name_that_ends_with_json_asks_for_json(sdk_monitoring: Here, tmp_path: Path) -> None:
    path = saved(both_halves(), tmp_path / "a.json")
    expected = json.loads(sdk_monitoring("diff", path, path, "--json").out)
    assert sdk_monitoring("diff", path, path, "-o", tmp_path / "d.json").code == 0
    assert json.loads((tmp_path / "d.json").read_bytes()) == expected
