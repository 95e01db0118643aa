from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from application_sdk.monitoring.cli import main as entry
from application_sdk.monitoring.cli.exit_codes import ExitCode
from tests.cli.commands import ROOT, Here, command, saved, start
from tests.interchange.builders import both_halves


def test_the_help_lists_every_command_that_there_is(sdk_monitoring: Here) -> None:
    result = sdk_monitoring("--help")
    assert result.code == 0
    for name in ("run", "report", "export", "diff", "merge", "index", "recover", "spend"):
        assert f"    {name} " in result.out


@pytest.mark.parametrize("name", ["run", "report", "export", "diff", "merge", "index", "recover"])
def test_each_command_explains_itself(sdk_monitoring: Here, name: str) -> None:
    result = sdk_monitoring(name, "--help")
    assert result.code == 0
    assert f"usage: sdk-monitoring {name}" in result.out
    assert "--output" in result.out


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nonsense"],
        ["report"],
        ["report", "--nonsense", "x"],
        ["report", "missing.json"],
        ["run", "missing.py"],
        ["run", "neither"],
        ["run", "no_such_module_anywhere:main"],
        ["export", "missing.json"],
        ["export", "missing.json", "--format", "nonsense"],
        ["merge", "missing.json", "-o", "out.json"],
        ["diff", "missing.json", "missing.json"],
        ["index", "missing"],
        ["spend", "missing"],
        ["spend"],
        ["export", ".", "--format", "html"],
        ["import", "."],
    ],
)
def test_wrong_usage_and_unreadable_input_exit_2_with_one_line(
    sdk_monitoring: Here, argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = sdk_monitoring(*argv)
    assert result.code == 2
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert result.err.startswith("sdk-monitoring")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"\x00\xff", "not JSON"),
        (b"[]", "not a profile"),
        (b'{"profile_id": 1}', "damaged at"),
        (b'{"profile_id": "a", "schema_version": "9.0"}', "upgrade"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(
    sdk_monitoring: Here, content: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    result = sdk_monitoring("report", path)
    assert (result.code, result.out) == (2, "")
    assert "broken.json" in result.err
    assert said in result.err


def test_a_directory_in_place_of_a_file_is_unreadable(sdk_monitoring: Here, tmp_path: Path) -> None:
    result = sdk_monitoring("report", tmp_path)
    assert result.code == 2
    assert result.err == f"sdk-monitoring: cannot read {tmp_path}: Is a directory\n"


def test_a_fault_of_the_program_is_never_taken_for_a_finding(
    sdk_monitoring: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise RuntimeError(name)

    monkeypatch.setattr(entry, "_command", fail)
    result = sdk_monitoring("report", "x")
    assert result.code == ExitCode.FAULT
    assert "RuntimeError: report" in result.err


def test_the_version_is_told(sdk_monitoring: Here) -> None:
    result = sdk_monitoring("--version")
    assert result.code == 0
    assert result.out.startswith("sdk-monitoring ")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    path = saved(
        both_halves(notes=tuple(f"note {n} " + "x" * 200 for n in range(5000))), tmp_path / "a.json"
    )
    with start("report", path, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == ExitCode.BROKEN_PIPE


def test_ctrl_c_ends_without_a_traceback(tmp_path: Path) -> None:
    script = tmp_path / "waits.py"
    script.write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    with start("run", "--cpu", script, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.count(".json\n") == 1, "what was captured until then is kept"


def test_names_that_the_terminal_cannot_show_are_escaped(tmp_path: Path) -> None:
    path = saved(both_halves(name="größe→"), tmp_path / "a.json")
    result = command(
        "report", path, cwd=tmp_path, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    )
    assert result.code == 0


def test_one_command_does_not_import_what_only_others_need(tmp_path: Path) -> None:
    path = saved(both_halves(), tmp_path / "a.json")
    program = (
        "import sys; from application_sdk.monitoring.cli.main import main; "
        f"main(['report', {str(path)!r}]); "
        "print([m for m in sys.modules if m in ('memray', 'pyinstrument', 'temporalio')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith("[]\n")
