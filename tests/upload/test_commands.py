from __future__ import annotations

import json
from pathlib import Path

import pytest

from application_sdk.monitoring import load_profile
from application_sdk.monitoring.exporters.object_store import upload
from application_sdk.monitoring.redaction import MAP_NAME, redacted
from application_sdk.monitoring.renderers import summary
from tests.cli.commands import Here, saved
from tests.interchange.builders import both_halves


@pytest.fixture
def sdk_monitoring(capfd: pytest.CaptureFixture[str]) -> Here:
    return Here(capfd)


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An object store with two profiles and one file of another kind."""
    saved(both_halves(profile_id="1"), tmp_path / "store" / "app" / "1.json")
    saved(both_halves(profile_id="2"), tmp_path / "store" / "app" / "2.json")
    (tmp_path / "store" / "app" / "2.speedscope.json").write_text("{}")
    if request.param == "file":
        return f"file://{tmp_path}/store"
    url: str = request.getfixturevalue("s3").replace("/team", "/commands")
    for file in (tmp_path / "store" / "app").iterdir():
        upload(file, f"app/{file.name}", url)
    return url


def test_commands_read_profiles_where_they_were_uploaded(
    sdk_monitoring: Here, url: str, tmp_path: Path
) -> None:
    one = f"{url}/app/1.json"
    assert sdk_monitoring("report", one).out == summary.render_summary(both_halves(profile_id="1"))
    assert sdk_monitoring("diff", one, f"{url}/app/2.json").code == 0
    assert sdk_monitoring("export", one, "-o", tmp_path / "a.pprof.pb.gz").code == 0
    assert sdk_monitoring("export", one, "--format", "pprof").code == 2
    assert sdk_monitoring("merge", url, "-o", tmp_path / "sum.json").code == 0
    assert load_profile(tmp_path / "sum.json").notes[0].startswith("the sum of 2 profiles")
    listed = json.loads(sdk_monitoring("index", url, "--json").out)["profiles"]
    assert {entry["path"] for entry in listed} == {one, f"{url}/app/2.json"}
    assert sdk_monitoring("index", url).code == 2


@pytest.mark.parametrize("end", ["app/missing.json", "app/2.speedscope.json"])
def test_what_cannot_be_read_there_is_said_in_one_line(
    sdk_monitoring: Here, url: str, end: str
) -> None:
    result = sdk_monitoring("report", f"{url}/{end}")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert end in result.err


def test_an_unknown_kind_of_store_is_said_in_one_line(sdk_monitoring: Here) -> None:
    result = sdk_monitoring("report", "gopher://somewhere/a.json")
    assert (result.code, result.err.count("\n")) == (2, 1)


def test_hashes_are_turned_back_with_the_map_at_hand(sdk_monitoring: Here, tmp_path: Path) -> None:
    original = both_halves()
    hidden = redacted(original, ("paths", "hosts", "names"), tmp_path)
    path = saved(hidden, tmp_path / "a.json")
    assert "my_app" not in sdk_monitoring("report", path).out
    shown = sdk_monitoring("report", path, "--reveal", tmp_path / MAP_NAME).out
    assert shown == summary.render_summary(original)
    assert sdk_monitoring("report", path, "--reveal", tmp_path / "missing").code == 2
