from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from tests.cli.commands import Here, saved
from tests.interchange.builders import both_halves, profile_of


def test_the_page_lists_every_profile_and_links_to_its_own_page(
    sdk_monitoring: Here, tmp_path: Path
) -> None:
    first = saved(both_halves(), tmp_path / "load" / "1.json")
    first.with_suffix(".html").write_text("a page")
    saved(profile_of(name="other & <b>"), tmp_path / "other" / "2.json")
    result = sdk_monitoring("index", tmp_path)
    assert (result.code, result.out) == (0, f"{tmp_path / 'index.html'}\n")
    page = (tmp_path / "index.html").read_text()
    assert "load/1.html" in page
    assert "other/2.json" in page
    assert "<b>" not in page


def test_the_newest_comes_first_and_unreadable_files_are_listed_apart(
    sdk_monitoring: Here, tmp_path: Path
) -> None:
    for day in (1, 3, 2):
        started = datetime(2026, 1, day, tzinfo=UTC)
        saved(both_halves(started_at=started, profile_id=str(day)), tmp_path / f"{day}.json")
    (tmp_path / "broken.json").write_text("{")
    result = sdk_monitoring("index", tmp_path, "--json")
    data = json.loads(result.out)
    assert [entry["profile_id"] for entry in data["profiles"]] == ["3", "2", "1"]
    assert data["profiles"][0]["peak_bytes"] == 123_555
    assert data["unreadable"] == [str(tmp_path / "broken.json")]
    assert not (tmp_path / "index.html").exists()


def test_what_was_not_measured_stays_empty(sdk_monitoring: Here, tmp_path: Path) -> None:
    saved(profile_of(), tmp_path / "a.json")
    (entry,) = json.loads(sdk_monitoring("index", tmp_path, "--json").out)["profiles"]
    assert entry["cpu_seconds"] is None
    assert entry["peak_bytes"] is None


def test_an_empty_directory_has_nothing_to_list(sdk_monitoring: Here, tmp_path: Path) -> None:
    result = sdk_monitoring("index", tmp_path)
    assert result.code == 2
    assert "no profile" in result.err
