from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest

from application_sdk.monitoring import Profile, configure, flamegraph, flush
from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.redaction import MAP_NAME, read_map, redacted, revealed
from application_sdk.monitoring.renderers import json as json_renderer
from tests.interchange.builders import CPU_METRICS, both_halves, profile_of, tree_of

ALL = ("paths", "hosts", "names")


def test_nothing_of_the_program_is_left_in_the_file(tmp_path: Path) -> None:
    profile = both_halves(
        exception_type="my_app.errors.Broken",
        notes=("records of /app/orders.py could not be read ([Errno 2] '/srv/x.bin')",),
    )
    text = json_renderer.render(redacted(profile, ALL, tmp_path)).decode()
    for word in ("worker-7", "/app", "orders", "parse", "fetch", "my_app", "Broken", "/srv"):
        assert word not in text


def test_the_map_and_only_the_map_leads_back(tmp_path: Path) -> None:
    profile = both_halves(exception_type="my_app.errors.Broken")
    hidden = redacted(profile, ALL, tmp_path)
    assert revealed(hidden, read_map(tmp_path / MAP_NAME)) == profile
    assert stat.S_IMODE((tmp_path / MAP_NAME).stat().st_mode) == 0o600
    other = redacted(profile, ALL, tmp_path / "elsewhere")
    assert other.name != hidden.name, "without the secret names cannot be tried out"


def test_libraries_keep_their_names_and_lose_the_machines_paths(tmp_path: Path) -> None:
    library = Frame("read_csv", "/home/me/venv/lib/python3.11/site-packages/pandas/io.py", 9)
    own = Frame("load", "/home/me/app.py", 1)
    profile = profile_of(tree_of(CPU_METRICS, [((own, library), (1, 1, 0))]))
    tree = redacted(profile, ALL, tmp_path).cpu.tree  # type: ignore[union-attr]
    assert tree.frame(1) == Frame("read_csv", "site-packages/pandas/io.py", 9)
    assert tree.frame(0).function.startswith("name-")
    assert tree.frame(0).file.startswith("path-")


def test_types_of_workflows_and_activities_are_names_of_code_and_ids_are_not(
    tmp_path: Path,
) -> None:
    context = {"workflow_type": "SecretOrders", "activity_type": "load_secret", "workflow_id": "7"}
    profile = both_halves(context=context)
    hidden = redacted(profile, ("names",), tmp_path)
    assert b"ecret" not in json_renderer.render(hidden)
    assert hidden.context.workflow_id == "7"
    assert revealed(hidden, read_map(tmp_path / MAP_NAME)) == profile


def test_only_what_was_asked_for_is_hashed(tmp_path: Path) -> None:
    hidden = redacted(both_halves(), ("hosts",), tmp_path)
    assert hidden.process.hostname.startswith("host-")
    assert hidden.cpu == both_halves().cpu
    assert redacted(both_halves(), (), tmp_path) == both_halves()


def test_values_and_shape_stay_equal(tmp_path: Path) -> None:
    profile = both_halves()
    hidden = redacted(profile, ALL, tmp_path)
    assert hidden.cpu is not None
    assert profile.cpu is not None
    assert hidden.cpu.tree.values == profile.cpu.tree.values
    assert hidden.cpu.tree.parents == profile.cpu.tree.parents


def _hidden_name(directory: str) -> str:
    return redacted(both_halves(), ALL, Path(directory)).name


def test_all_processes_of_a_directory_hash_alike(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        names = set(pool.map(_hidden_name, [str(tmp_path)] * 4))
    assert names == {redacted(both_halves(), ALL, tmp_path).name}


def test_a_decorated_call_writes_only_hashes(tmp_path: Path) -> None:
    configure(redact="paths,hosts,names")
    flamegraph(name="secret_project.load", sample_rate=1.0)(_work)()
    assert flush(60)
    files = [path for path in (tmp_path / "profiles").rglob("*.json") if path.is_file()]
    (path,) = files
    assert "secret_project" not in str(path)
    assert b"secret_project" not in path.read_bytes()
    assert b"_work" not in path.read_bytes()


def _work() -> int:
    return sum(range(1000))


def test_a_map_that_cannot_be_kept_means_that_nothing_is_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "blocked").write_text("a file in the way")
    configure(redact="names", output_dir=tmp_path / "blocked" / "profiles")
    flamegraph(sample_rate=1.0)(_work)()
    assert flush(60)
    assert "delivering a profile" in caplog.text


def test_another_file_is_no_map(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for content in ("nonsense", "{}"):
        path.write_text(content)
        with pytest.raises(UnreadableProfileError):
            read_map(path)


def test_revealing_leaves_alone_what_the_map_does_not_know() -> None:
    profile: Profile = both_halves()
    assert revealed(profile, {"other": "x"}) == profile
