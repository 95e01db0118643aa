from __future__ import annotations

from pathlib import Path

from application_sdk.monitoring import load_profile
from application_sdk.monitoring.renderers import collapsed, pprof
from tests.cli.commands import Here, saved
from tests.interchange.builders import both_halves


def test_an_imported_file_serves_every_other_command(sdk_monitoring: Here, tmp_path: Path) -> None:
    (tmp_path / "a.pprof.pb.gz").write_bytes(pprof.render(both_halves()))
    result = sdk_monitoring("import", tmp_path / "a.pprof.pb.gz")
    assert (result.code, result.out) == (0, f"{tmp_path / 'a.json'}\n")
    original = saved(both_halves(), tmp_path / "b.json")
    out = sdk_monitoring("diff", tmp_path / "a.json", original).out
    assert out.count("no function's own value changed") == 7


def test_an_existing_profile_is_not_replaced_unasked(sdk_monitoring: Here, tmp_path: Path) -> None:
    saved(both_halves(), tmp_path / "a.json")
    (tmp_path / "a.pprof.pb.gz").write_bytes(pprof.render(both_halves()))
    result = sdk_monitoring("import", tmp_path / "a.pprof.pb.gz")
    assert result.code == 2
    assert "name another file with -o" in result.err


def test_the_extension_of_the_output_decides_its_format(
    sdk_monitoring: Here, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_bytes(collapsed.render(both_halves()))
    target = tmp_path / "a.html"
    assert sdk_monitoring("import", tmp_path / "a.txt", "-o", target, "--name", "mine").code == 0
    assert b"mine" in target.read_bytes()


def test_what_the_numbers_are_can_be_said(sdk_monitoring: Here, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("main;work 7\n")
    arguments = ("import", tmp_path / "a.txt", "-o", tmp_path / "a.json")
    assert sdk_monitoring(*arguments, "--metric", "retained_bytes").code == 0
    memory = load_profile(tmp_path / "a.json").memory
    assert memory is not None
    assert memory.retained_bytes == 7
    assert sdk_monitoring(*arguments, "--interval", "-1").code == 2
    assert sdk_monitoring(*arguments, "--format", "pprof").code == 2
