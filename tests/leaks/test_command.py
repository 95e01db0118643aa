"""`sdk-monitoring leaks` and the baseline of accepted sites."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from application_sdk.monitoring import LeakReport, LeakSite, MonitoringError
from application_sdk.monitoring.analysis.leaks.baseline import load_baseline
from application_sdk.monitoring.analysis.leaks.formats import report_junit, report_markdown

PROJECT = Path(__file__).parents[2]
MAIN = (
    "import sys; from application_sdk.monitoring.cli.main import main; sys.exit(main(sys.argv[1:]))"
)

TARGETS = """
kept = []

def remember(size, tag="none"):
    print("noise of", tag)
    kept.append(bytearray(size))

def prepare():
    return {"tag": "prepared"}

def fails():
    raise ValueError("cannot do this")

async def clean():
    return sum(range(10))

def leaves():
    raise SystemExit(0)

def slow():
    import time
    time.sleep(0.2)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "targets.py").write_text(TARGETS, encoding="utf-8")
    (tmp_path / "exits_on_import.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    return tmp_path


def command(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, "leaks", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_leak_ends_with_1_and_every_report_names_the_line(directory: Path) -> None:
    done = command(
        directory,
        *("targets:remember", "size=400", "--setup", "targets:prepare", "--json"),
        *("--html", "leak.html", "--markdown", "leak.md", "--junit", "leak.xml"),
    )
    assert done.returncode == 1, done.stderr
    report = LeakReport.model_validate_json(done.stdout)
    assert report.verdict == "leak"
    assert report.sites[0].function == "remember"
    assert report.sites[0].line == 6
    assert report.profile is not None
    assert "noise of prepared" in done.stderr
    assert "remember" in (directory / "leak.html").read_text(encoding="utf-8")
    for name in ("leak.md", "leak.xml"):
        assert "targets.py:6" in (directory / name).read_text(encoding="utf-8")


def test_a_clean_function_ends_with_0(directory: Path) -> None:
    done = command(directory, "targets:clean")
    assert done.returncode == 0, done.stderr
    assert "CLEAN" in done.stdout


def test_an_uncertain_answer_ends_with_3_and_its_reason(directory: Path) -> None:
    done = command(directory, "targets:slow", "--max-seconds", "0.5", "--json")
    assert done.returncode == 3, done.stderr
    assert "too few calls" in json.loads(done.stdout)["explanation"]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("targets:fails", "raised ValueError"),
        ("targets:leaves", "raised SystemExit"),
        ("exits_on_import:run", "cannot import exits_on_import: SystemExit"),
        ("targets:absent", "targets has no absent"),
        ("nowhere:function", "cannot import nowhere"),
        ("targets", "is not module:function"),
    ],
)
def test_what_cannot_be_called_ends_with_2_and_one_line(
    directory: Path, target: str, says: str
) -> None:
    done = command(directory, target)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_called(
    directory: Path,
) -> None:
    done = command(directory, "targets:fails", "--html", "nowhere/leak.html")
    assert done.returncode == 2
    assert done.stderr == (
        "sdk-monitoring: cannot write nowhere/leak.html: there is no directory nowhere\n"
    )


BASELINE = """
[[accepted]]
function = "remember"
file = "app/cache.py"
reason = "bounded by the next release"
expires = 2030-01-31
"""


def leak(*sites: tuple[str, str, float]) -> LeakReport:
    return LeakReport(
        verdict="leak",
        target="app.jobs.run",
        bytes_per_call=sum(size for _, _, size in sites),
        confidence_interval=(1.0, 2.0),
        native_bytes_per_call=0.0,
        calls=10,
        seconds=1.0,
        sites=[
            LeakSite(
                function=function,
                file=file,
                line=3,
                bytes_per_call=size,
                allocations_per_call=1.0,
                stack=(f"{file}:3 {function}",),
            )
            for function, file, size in sites
        ],
        explanation="It leaks.",
    )


def written(directory: Path, text: str) -> Path:
    path = directory / "accepted.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_accepted_site_is_no_finding_until_it_expires(tmp_path: Path) -> None:
    baseline = load_baseline(written(tmp_path, BASELINE))
    report = leak(("remember", "/srv/app/cache.py", 500.0))
    on_the_last_day = baseline.apply(report, 64, today=date(2030, 1, 31))
    assert on_the_last_day.verdict == "clean"
    assert "bounded by the next release" in on_the_last_day.notes[0]
    the_day_after = baseline.apply(report, 64, today=date(2030, 2, 1))
    assert the_day_after.verdict == "leak"
    assert "is over" in the_day_after.notes[0]


def test_another_site_beside_an_accepted_one_is_still_a_leak(tmp_path: Path) -> None:
    baseline = load_baseline(written(tmp_path, BASELINE))
    report = leak(("remember", "/srv/app/cache.py", 500.0), ("other", "/srv/app/x.py", 100.0))
    left = baseline.apply(report, 64, today=date(2029, 1, 1))
    assert left.verdict == "leak"
    assert [site.function for site in left.sites] == ["other"]


def test_a_file_of_the_same_name_elsewhere_is_not_accepted(tmp_path: Path) -> None:
    baseline = load_baseline(written(tmp_path, BASELINE))
    report = leak(("remember", "/srv/other_app/cache.py", 500.0))
    assert baseline.apply(report, 64, today=date(2029, 1, 1)).verdict == "leak"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BASELINE.replace('reason = "bounded by the next release"', ""), "reason is missing"),
        (BASELINE.replace("expires = 2030-01-31", ""), "expires is missing"),
        (BASELINE + "line = 4\n", "unknown line"),
        ("accepted = 3", "[[accepted]] tables"),
        ("not toml", "cannot read the baseline"),
    ],
)
def test_a_baseline_that_lacks_something_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(MonitoringError, match=says.replace("[", r"\[")):
        load_baseline(written(tmp_path, text))


def test_names_with_markup_do_not_break_the_reports() -> None:
    report = leak(("<lambda>", "/srv/a|b`c.py", 500.0))
    assert "a\\|b" in report_markdown(report)
    assert b"&lt;lambda&gt;" in report_junit(report)
