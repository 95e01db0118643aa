"""Backends and formats of others: registered in the program, or offered by an installed package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from application_sdk.monitoring import (
    MonitoringError,
    Profile,
    configure,
    flamegraph,
    flush,
    memory_profile,
    on_profile,
)
from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.model.profile import CpuProfile
from application_sdk.monitoring.registry import cpu_backends, memory_backends, renderers

METRICS = ("wall_seconds", "cpu_seconds", "await_seconds")
PLUG_IN = """
def render(profile):
    return f"{profile.name} took a while".encode()
"""
ENTRY_POINTS = """
[application_sdk_monitoring.formats]
prose = prose_plug_in:render
missing = prose_plug_in:not_there
"""


class CountingBackend:
    """Measures nothing but that it ran."""

    backend = "counting"

    def __init__(self, call: Any) -> None:
        self.call = call

    def start(self) -> None: ...
    def resume(self) -> None: ...
    def pause(self, awaiting: bool) -> None: ...
    def enter_part(self) -> None: ...
    def leave_part(self) -> None: ...
    def stop(self) -> None: ...
    def abandon(self) -> None: ...

    def half(self) -> CpuProfile:
        return CpuProfile(
            backend=self.backend,
            interval_seconds=self.call.interval,
            sample_count=0,
            wall_seconds=0.0,
            cpu_seconds=0.0,
            await_seconds=0.0,
            tree=CallTree(metrics=METRICS, values=dict.fromkeys(METRICS, ())),
        )


def refuse(call: Any) -> Any:
    raise RuntimeError("the plug-in is broken")


@pytest.fixture
def registered() -> Iterator[None]:
    cpu_backends.register("counting", CountingBackend)
    memory_backends.register("broken", refuse)
    yield
    cpu_backends.unregister("counting")
    memory_backends.unregister("broken")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with entry points, as pip leaves it."""
    information = tmp_path / "site" / "prose_plug_in-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: prose-plug-in\nVersion: 1\n"
    )
    (information / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "site" / "prose_plug_in.py").write_text(PLUG_IN)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield
    for name in ("prose", "missing"):
        renderers.unregister(name)


def work() -> None: ...


def cpu_backend_of(function: Any) -> str:
    cpu = profile_of(function).cpu
    assert cpu is not None
    return cpu.backend


def profile_of(function: Any) -> Profile:
    profiles: list[Profile] = []
    undo = on_profile(profiles.append)
    try:
        function()
        assert flush(60)
    finally:
        undo()
    (profile,) = profiles
    return profile


@pytest.mark.usefixtures("registered")
def test_a_registered_backend_is_chosen_by_argument_setting_and_override() -> None:
    assert cpu_backend_of(flamegraph(work, backend="counting")) == "counting"
    configure(cpu_backend="counting")
    assert cpu_backend_of(flamegraph(work)) == "counting"
    configure(cpu_backend="auto", overrides={"*": {"cpu_backend": "counting"}})
    assert cpu_backend_of(flamegraph(work)) == "counting"


@pytest.mark.usefixtures("registered")
def test_a_broken_memory_plug_in_gives_way_to_rss_and_the_profile_says_so() -> None:
    profile = profile_of(memory_profile(work, backend="broken"))
    assert profile.memory is not None
    assert profile.memory.backend == "rss"
    assert any("broken was not used" in note for note in profile.notes)


@pytest.mark.usefixtures("installed")
def test_an_installed_format_is_written_with_its_own_extension(tmp_path: Path) -> None:
    configure(output_dir=tmp_path / "out", formats="json,prose")
    profile_of(flamegraph(work, name="work"))
    (written,) = (tmp_path / "out" / "work").glob("*.prose")
    assert written.read_text() == "work took a while"


@pytest.mark.usefixtures("installed")
def test_a_format_whose_plug_in_cannot_be_imported_leaves_the_others(tmp_path: Path) -> None:
    configure(output_dir=tmp_path / "out", formats="json,missing")
    profile_of(flamegraph(work, name="work"))
    assert [path.suffix for path in (tmp_path / "out" / "work").iterdir()] == [".json"]


def test_a_name_that_nobody_offers_is_refused_with_the_known_ones() -> None:
    with pytest.raises(MonitoringError, match=r"one of 'auto', 'pyinstrument', 'sampler'"):
        flamegraph(work, backend="nothing")
    with pytest.raises(MonitoringError, match=r"formats.*one of 'html', 'json'"):
        configure(formats="html,nothing")


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        flamegraph(work, name="")
