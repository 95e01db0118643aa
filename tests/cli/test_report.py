from __future__ import annotations

import json
from pathlib import Path

import pytest

from application_sdk.monitoring.renderers import html, summary
from tests.cli.commands import Here, saved
from tests.interchange.builders import both_halves, profile_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return saved(both_halves(), tmp_path / "a.json")


def test_the_summary_is_printed(sdk_monitoring: Here, path: Path) -> None:
    result = sdk_monitoring("report", path)
    assert (result.code, result.err) == (0, "")
    assert result.out == summary.render_summary(both_halves())


def test_the_extension_decides_what_is_written(
    sdk_monitoring: Here, path: Path, tmp_path: Path
) -> None:
    assert sdk_monitoring("report", path, "-o", tmp_path / "a.html").code == 0
    assert (tmp_path / "a.html").read_bytes() == html.render(both_halves())
    assert sdk_monitoring("report", path, "-o", tmp_path / "b.txt").code == 0
    assert (tmp_path / "b.txt").read_bytes() == summary.render(both_halves())


def test_a_format_that_is_named_is_stronger_than_the_extension(
    sdk_monitoring: Here, path: Path, tmp_path: Path
) -> None:
    assert sdk_monitoring("report", path, "-o", tmp_path / "a.txt", "--format", "html").code == 0
    assert (tmp_path / "a.txt").read_bytes() == html.render(both_halves())


def test_an_unknown_extension_is_refused_before_anything_is_written(
    sdk_monitoring: Here, path: Path, tmp_path: Path
) -> None:
    result = sdk_monitoring("report", path, "-o", tmp_path / "a.pdf")
    assert result.code == 2
    assert ".html" in result.err
    assert not (tmp_path / "a.pdf").exists()


def test_a_machine_reads_all_facts_and_every_function(sdk_monitoring: Here, path: Path) -> None:
    profile = both_halves()
    data = json.loads(sdk_monitoring("report", path, "--json").out)
    assert data["name"] == profile.name
    assert data["cpu"]["wall_seconds"] == profile.cpu.wall_seconds  # type: ignore[union-attr]
    assert "tree" not in data["cpu"]
    assert [view["key"] for view in data["views"]][:2] == ["wall_seconds", "cpu_seconds"]
    assert data["views"][0]["functions"] == [
        stat.model_dump()
        for stat in profile.cpu.tree.functions()  # type: ignore[union-attr]
    ]


def test_a_name_that_ends_with_json_asks_for_json(
    sdk_monitoring: Here, path: Path, tmp_path: Path
) -> None:
    expected = json.loads(sdk_monitoring("report", path, "--json").out)
    assert sdk_monitoring("report", path, "-o", tmp_path / "facts.json").code == 0
    assert json.loads((tmp_path / "facts.json").read_bytes()) == expected


def test_what_was_not_measured_is_null(sdk_monitoring: Here, tmp_path: Path) -> None:
    path = saved(profile_of(), tmp_path / "empty.json")
    data = json.loads(sdk_monitoring("report", path, "--json").out)
    assert data["cpu"] is None
    assert data["memory"] is None
    assert data["views"] == []


def test_a_file_that_cannot_be_written_is_said_in_one_line(
    sdk_monitoring: Here, path: Path, tmp_path: Path
) -> None:
    result = sdk_monitoring("report", path, "-o", tmp_path / "missing" / "a.html")
    assert result.code == 2
    assert result.err.endswith("a.html: No such file or directory\n")


def test_an_existing_file_is_replaced_whole_and_keeps_no_temporary_beside_it(
    sdk_monitoring: Here, path: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out" / "a.txt"
    target.parent.mkdir()
    target.write_text("old")
    assert sdk_monitoring("report", path, "-o", target).code == 0
    assert target.read_bytes() == summary.render(both_halves())
    assert list(target.parent.iterdir()) == [target]
