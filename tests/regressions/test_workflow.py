"""The script of the reusable GitHub workflow, run as a runner would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.regressions.conftest import Shop

PROJECT = Path(__file__).parents[2]
WORKFLOW = PROJECT / ".github" / "workflows" / "perf-check.yml"


def script() -> str:
    _, _, rest = WORKFLOW.read_text(encoding="utf-8").partition("        run: |\n")
    run, _, _ = rest.partition("      - name: Summary")
    return textwrap.dedent(run)


def check(shop: Shop, tools: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    python = tools / "python"
    tools.mkdir()
    python.symlink_to(sys.executable)
    # A link out of a virtual environment forgets it, so the packages are named.
    paths = [str(PROJECT), str(shop.root / "src")]
    paths += [path for path in sys.path if path.endswith("site-packages")]
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script()],  # noqa: S607 - the one on the PATH, as there
        cwd=shop.root,
        env={
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(paths),
            "BASE": "HEAD",
            "THRESHOLD": "0.05",
            "METRIC": "time",
            "MAX_SECONDS": "30",
            "INCONCLUSIVE_FAILS": "true",
            **inputs,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.alone
def test_a_regression_fails_the_job_and_leaves_every_report(shop: Shop, tmp_path: Path) -> None:
    done = check(shop, tmp_path / "tools", TARGET="shop.cart:checkout")
    assert done.returncode == 1, done.stderr
    reports = shop.root / "perf-reports"
    assert json.loads((reports / "perf.json").read_text())["verdict"] == "regression"
    markdown = (reports / "perf.md").read_text()
    assert "Performance regression" in markdown
    assert "cart.py" in markdown
    assert "checkout" in (reports / "diff.html").read_text()
    suite = ET.parse(reports / "perf.xml").find("testsuite")  # noqa: S314
    assert suite is not None
    assert suite.get("failures") == "1"


@pytest.mark.parametrize(("fails", "code"), [("true", 3), ("false", 0)])
def test_what_cannot_decide_fails_unless_it_may_only_warn(
    shop: Shop, tmp_path: Path, fails: str, code: int
) -> None:
    # Too little time for the least number of rounds.
    done = check(
        shop,
        tmp_path / "tools",
        TARGET="shop.cart:order",
        MAX_SECONDS="0.01",
        INCONCLUSIVE_FAILS=fails,
    )
    assert done.returncode == code, done.stderr
    assert ("::warning::" in done.stdout) == (code == 0)


def test_a_target_that_is_not_there_fails_even_where_inconclusive_may_pass(
    shop: Shop, tmp_path: Path
) -> None:
    done = check(shop, tmp_path / "tools", TARGET="shop.cart:missing", INCONCLUSIVE_FAILS="false")
    assert done.returncode == 2
    assert "missing" in done.stderr
