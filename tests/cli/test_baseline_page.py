"""`sdk-monitoring baseline show --html`: the trend page."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from application_sdk.monitoring.renderers.html.trend_page import (
    TrendChange,
    TrendHistory,
    TrendRun,
    TrendSeries,
    render_trend,
)
from tests.cli.commands import Here, saved
from tests.cli.test_baseline import NAME, run
from tests.cli.test_compare import MACHINE
from tests.viewer.builders import HOSTILE

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


class Read(HTMLParser):
    """The page's elements and its text, as a browser understands them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def kept(sdk_monitoring: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Thirty runs on two machines, slower by a quarter from the twentieth on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    chance = random.Random(4)
    for day in range(30):
        level = 1.0 if day < 20 else 1.25
        saved(run(day, level * chance.gauss(1.0, 0.01)), tmp_path / f"runs/{day:02}.json")
    other = MACHINE.model_copy(update={"cpu_model": "Another CPU"})
    saved(run(50, 2.0, other), tmp_path / "runs/other.json")
    assert sdk_monitoring("baseline", "save", tmp_path / "runs").code == 0
    return tmp_path


def test_the_page_marks_the_change_and_names_its_first_run(
    sdk_monitoring: Here, kept: Path
) -> None:
    result = sdk_monitoring("baseline", "show", NAME, "--html", kept / "trend.html")
    assert result.code == 0
    assert "->" in result.out  # the text is printed as ever
    page = Read((kept / "trend.html").read_bytes())
    assert page.tags.count("circle") == 62  # wall and CPU time of each run
    assert page.tags.count("h2") == 2
    assert "Another CPU" in page.text
    # In the picture and in the table, of wall and of CPU time.
    assert len(re.findall(r"\+2[45]\.\d %", page.text)) == 4
    assert "2025-03-21 12:00 UTC" in page.text
    assert "No change of the level." in page.text


def test_the_page_needs_no_script_no_network_and_no_other_file(
    sdk_monitoring: Here, kept: Path
) -> None:
    sdk_monitoring("baseline", "show", NAME, "--html", kept / "trend.html")
    page = Read((kept / "trend.html").read_bytes())
    assert "script" not in page.tags
    links = [value for name, value in page.attributes if name in ("src", "href", "xlink:href")]
    assert links == ["data:,"]
    assert (kept / "trend.html").stat().st_size < 60_000


def test_the_page_goes_to_standard_output_alone(sdk_monitoring: Here, kept: Path) -> None:
    assert sdk_monitoring("baseline", "show", NAME, "--html", "-").out.startswith("<!doctype html>")
    both = sdk_monitoring("baseline", "show", NAME, "--html", "-", "--json")
    assert both.code == 2
    assert "exclude each other" in both.err
    beside = sdk_monitoring("baseline", "show", NAME, "--html", kept / "t.html", "--json")
    assert len(json.loads(beside.out)) == 2


def series(values: list[float], changes: list[TrendChange], unit: str = "s") -> TrendSeries:
    runs = [TrendRun(BEGIN + timedelta(days=day), value, None) for day, value in enumerate(values)]
    return TrendSeries("CPU time", unit, runs, changes)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    runs = [TrendRun(BEGIN, 1.0, name), TrendRun(BEGIN, 2.0, name)]
    one = TrendSeries(name, "s", runs, [TrendChange(1, 1.0, 2.0)])
    hostile = Read(render_trend(name, [TrendHistory(name, [one])]))
    harmless = Read(render_trend("x", [TrendHistory("x", [one])]))
    assert hostile.tags == harmless.tags
    assert not [attribute for attribute, _ in hostile.attributes if attribute.startswith("on")]


def test_improvements_one_run_zeros_and_nothing_measured_have_a_page() -> None:
    faster = series([2.0, 1.0], [TrendChange(1, 2.0, 1.0)])
    appeared = series([0, 9e6], [TrendChange(1, 0.0, 9e6)], unit="B")
    page = Read(
        render_trend(
            "app.load",
            [
                TrendHistory("one", [faster, appeared, series([0.0], [])]),
                TrendHistory("two", [series([], [])]),
            ],
        )
    )
    assert "-50.0 %" in page.text
    assert "new" in page.text
    assert "1 run," in page.text
    assert "No run has measured anything." in page.text
    assert ("class", "better") in page.attributes
