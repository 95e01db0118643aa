"""The composite action's script, and the gate of this project's own hot paths, as CI runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.regressions.conftest import Shop

PROJECT = Path(__file__).parents[2]
ACTION = PROJECT / ".github" / "actions" / "perf-check" / "action.yml"


def script() -> str:
    _, _, run = ACTION.read_text(encoding="utf-8").partition("      run: |\n")
    return textwrap.dedent(run)


def run_action(
    shop: Shop, directory: Path, **inputs: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, str], str]:
    python = directory / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    # A link out of a virtual environment forgets it, so the packages are named.
    paths = [str(PROJECT), str(shop.root / "src")]
    paths += [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script()],  # noqa: S607 - the one on the PATH, as there
        cwd=shop.root,
        env={
            "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(paths),
            "GITHUB_OUTPUT": str(directory / "output"),
            "GITHUB_STEP_SUMMARY": str(directory / "summary"),
            "REPORTS": str(directory / "reports"),
            "BASE": "HEAD",
            "THRESHOLD": "0.05",
            "METRIC": "time",
            "MAX_SECONDS": "90",
            "INCONCLUSIVE_FAILS": "true",
            **inputs,
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    lines = (directory / "output").read_text(encoding="utf-8").splitlines()
    summary = directory / "summary"
    text = summary.read_text(encoding="utf-8") if summary.exists() else ""
    return done, dict(line.split("=", 1) for line in lines), text


@pytest.mark.slow
@pytest.mark.alone
def test_a_regression_fails_and_leaves_reports_a_diff_page_and_a_summary(
    shop: Shop, tmp_path: Path
) -> None:
    done, outputs, summary = run_action(shop, tmp_path / "runner", TARGET="shop.cart:checkout")
    assert (done.returncode, outputs["verdict"]) == (1, "regression"), done.stderr
    assert json.loads(Path(outputs["report"]).read_text())["verdict"] == "regression"
    assert "<!doctype html>" in Path(outputs["diff"]).read_text()
    assert "Performance regression" in summary
    assert list((tmp_path / "runner" / "reports").glob("*.xml"))


@pytest.mark.parametrize(("fails", "code"), [("true", 3), ("false", 0)])
def test_what_cannot_decide_fails_unless_it_may_only_warn(
    shop: Shop, tmp_path: Path, fails: str, code: int
) -> None:
    done, outputs, _ = run_action(
        shop,
        tmp_path / "runner",
        TARGET="shop.cart:order",
        MAX_SECONDS="0.01",
        INCONCLUSIVE_FAILS=fails,
    )
    assert (done.returncode, outputs["verdict"]) == (code, "inconclusive"), done.stderr
    assert ("::warning::" in done.stdout) == (code == 0)


def test_a_whole_command_is_measured_without_a_page(shop: Shop, tmp_path: Path) -> None:
    done, outputs, _ = run_action(
        shop, tmp_path / "runner", TARGET="python -c pass", MAX_SECONDS="0.01"
    )
    assert (done.returncode, outputs["verdict"]) == (3, "inconclusive"), done.stderr
    assert "diff" not in outputs


def test_an_input_is_never_run_as_a_command(shop: Shop, tmp_path: Path) -> None:
    target = f"$(touch {tmp_path}/made):x"
    done, outputs, _ = run_action(shop, tmp_path / "runner", TARGET=target)
    assert (done.returncode, outputs["verdict"]) == (2, "failed")
    assert not (tmp_path / "made").exists()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """This project's gate in a directory without a history."""
    copied = tmp_path / "checkout"
    shutil.copytree(PROJECT / ".ci", copied / ".ci", ignore=shutil.ignore_patterns("viewer"))
    return copied


def gate(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ".ci/perf_gate.py", *arguments],
        cwd=checkout,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(checkout.parent)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_gate_passes_and_says_so_where_there_is_no_history(checkout: Path) -> None:
    done = gate(checkout)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no commit to compare with" in done.stdout
    Shop(checkout).git("init", "--quiet")
    Shop(checkout).git("commit", "--quiet", "--allow-empty", "--message=only one")
    assert "no commit to compare with" in gate(checkout).stdout


def test_the_gate_leaves_out_what_cannot_be_compared_or_decided(checkout: Path) -> None:
    Shop(checkout).git("init", "--quiet")
    Shop(checkout).git("commit", "--quiet", "--allow-empty", "--message=before")
    Shop(checkout).git("commit", "--quiet", "--allow-empty", "--message=after")
    unknown = gate(checkout, "--base", "nowhere", "--only", "walk")
    assert unknown.returncode == 0
    assert "left out, it cannot be compared" in unknown.stdout
    late = gate(checkout, "--seconds", "1")
    assert late.returncode == 0
    assert late.stdout.count("left out, the time is up") == 5
