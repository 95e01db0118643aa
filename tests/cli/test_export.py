from __future__ import annotations

from pathlib import Path

import pytest

from application_sdk.monitoring.registry import EXTENSIONS, renderers
from application_sdk.monitoring.renderers import collapsed
from tests.cli.commands import Here, saved
from tests.interchange.builders import both_halves


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return saved(both_halves(), tmp_path / "a.json")


@pytest.mark.parametrize("name", ["html", "speedscope", "collapsed", "pprof", "summary", "json"])
def test_each_format_is_written_by_name_and_by_extension(
    sdk_monitoring: Here, path: Path, tmp_path: Path, name: str
) -> None:
    expected = renderers.get(name)(both_halves())
    target = tmp_path / f"b{EXTENSIONS[name]}"
    assert sdk_monitoring("export", path, "-o", target).code == 0
    assert target.read_bytes() == expected
    odd = tmp_path / "odd.file"
    assert sdk_monitoring("export", path, "--format", name, "-o", odd).code == 0
    assert odd.read_bytes() == expected


def test_without_a_name_the_file_stands_beside_the_profile(
    sdk_monitoring: Here, path: Path
) -> None:
    result = sdk_monitoring("export", path, "--format", "speedscope")
    assert result.out == f"{path.with_suffix('.speedscope.json')}\n"
    assert path.with_suffix(".speedscope.json").exists()


def test_the_profile_itself_is_never_replaced(sdk_monitoring: Here, path: Path) -> None:
    before = path.read_bytes()
    result = sdk_monitoring("export", path, "--format", "json")
    assert result.code == 2
    assert path.read_bytes() == before


def test_a_metric_is_chosen_for_collapsed_stacks(
    sdk_monitoring: Here, path: Path, tmp_path: Path
) -> None:
    target = tmp_path / "a.collapsed.txt"
    assert sdk_monitoring("export", path, "-o", target, "--metric", "peak_bytes").code == 0
    assert target.read_bytes() == collapsed.render(both_halves(), "peak_bytes")
    assert sdk_monitoring("export", path, "-o", target, "--metric", "heat").code == 2
    pprof = tmp_path / "a.pprof.pb.gz"
    assert sdk_monitoring("export", path, "-o", pprof, "--metric", "peak_bytes").code == 2


def test_standard_output_takes_bytes_when_the_format_is_named(
    sdk_monitoring: Here, path: Path
) -> None:
    result = sdk_monitoring("export", path, "-o", "-", "--format", "collapsed")
    assert result.out.encode() == collapsed.render(both_halves())
    assert sdk_monitoring("export", path, "-o", "-").code == 2
