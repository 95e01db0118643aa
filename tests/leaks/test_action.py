"""The composite action's script, run as a runner would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
ACTION = PROJECT / ".github" / "actions" / "leak-check" / "action.yml"


def script() -> str:
    _, _, run = ACTION.read_text(encoding="utf-8").partition("      run: |\n")
    return textwrap.dedent(run)


def run_action(directory: Path, **inputs: str) -> tuple[int, dict[str, str], str]:
    python = directory / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    # A link out of a virtual environment forgets it, so the packages are named.
    paths = os.pathsep.join([str(PROJECT), *(p for p in sys.path if p.endswith("site-packages"))])
    environment = {
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": paths,
        "GITHUB_OUTPUT": str(directory / "output"),
        "GITHUB_STEP_SUMMARY": str(directory / "summary"),
        "REPORTS": str(directory / "reports"),
        **dict.fromkeys(("ARGUMENTS", "SETUP", "BASELINE"), ""),
        "MIN_BYTES": "64",
        "MAX_SECONDS": "30",
        **inputs,
    }
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script()],  # noqa: S607 - the one on the PATH, as there
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = (directory / "output").read_text(encoding="utf-8").splitlines()
    summary = directory / "summary"
    text = summary.read_text(encoding="utf-8") if summary.exists() else done.stderr
    return done.returncode, dict(line.split("=", 1) for line in lines), text


def test_a_clean_function_passes_and_leaves_its_reports(tmp_path: Path) -> None:
    code, outputs, summary = run_action(tmp_path, TARGET="examples.leak_check:describe_tables")
    assert (code, outputs["verdict"]) == (0, "clean")
    assert json.loads(Path(outputs["report"]).read_text(encoding="utf-8"))["verdict"] == "clean"
    assert "No memory leak" in summary


@pytest.mark.slow
def test_a_leak_fails_and_its_page_and_summary_name_the_function(tmp_path: Path) -> None:
    code, outputs, summary = run_action(
        tmp_path, TARGET="examples.leak_check:remember_tables", ARGUMENTS="tables=2"
    )
    assert (code, outputs["verdict"]) == (1, "leak")
    assert "describe_tables" in summary
    assert list((tmp_path / "reports").glob("*.html"))


def test_what_cannot_be_checked_fails_and_is_no_verdict(tmp_path: Path) -> None:
    code, outputs, text = run_action(tmp_path, TARGET="examples.nowhere:absent")
    assert (code, outputs["verdict"]) == (2, "failed")
    assert "cannot import" in text


def test_an_input_is_never_run_as_a_command(tmp_path: Path) -> None:
    code, _, _ = run_action(tmp_path, TARGET=f"$(touch {tmp_path}/made):x", ARGUMENTS="`id`")
    assert code == 2
    assert not (tmp_path / "made").exists()
