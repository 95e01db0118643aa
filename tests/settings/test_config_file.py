"""Settings from a watched file: raised for one function, falling back by themselves."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from application_sdk.monitoring import Profile, configure, flamegraph, get_settings
from application_sdk.monitoring import config_file as module

Finished = Callable[[], list[Profile]]


class Clock:
    """Time that the test moves on; no one waits for ten seconds."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def monotonic(self) -> float:
        return self.seconds

    def pass_ten_seconds(self) -> None:
        self.seconds += 10.1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    # The module's own view of time only, so that nothing else stands still.
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> Iterator[Path]:
    path = tmp_path / "monitoring.json"
    module.config_file.reset()
    configure(config_file=path)
    yield path
    module.config_file.reset()


def write(path: Path, **values: Any) -> None:
    """Replace the file as a whole, as a mounted ConfigMap is."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(values))
    os.replace(fresh, path)


@flamegraph(sample_rate=0.0, backend="sampler")
def rare() -> None: ...


def test_an_override_in_the_file_raises_one_functions_rate(
    file: Path, clock: Clock, profiles: Finished
) -> None:
    rare()
    write(file, overrides={f"{__name__}.rare": {"sample_rate": 1.0}})
    rare()
    assert profiles() == []  # it is looked at every ten seconds only
    clock.pass_ten_seconds()
    for _ in range(20):
        rare()
    assert len(profiles()) > 10  # a quick succession of calls looks at some of them only


def test_an_override_falls_back_by_itself(
    file: Path,
    clock: Clock,
    profiles: Finished,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    until = datetime.now(UTC) + timedelta(minutes=10)
    write(
        file,
        overrides={f"{__name__}.rare": {"sample_rate": 1.0, "expires_at": until.isoformat()}},
    )
    for _ in range(3):
        rare()
    raised = len(profiles())
    assert raised >= 2

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return until + timedelta(seconds=1)

    from application_sdk.monitoring import settings

    monkeypatch.setattr(settings, "datetime", Later)
    clock.pass_ten_seconds()
    for _ in range(3):
        rare()
    assert len(profiles()) == raised
    assert "has changed the settings" in caplog.text
    assert "expired" in caplog.text


def test_settings_of_the_file_go_when_the_file_goes(file: Path, clock: Clock) -> None:
    write(file, sample_rate=0.25, formats="html")
    rare()
    assert get_settings().sample_rate == 0.25
    file.unlink()
    clock.pass_ten_seconds()
    rare()
    for _ in range(4):
        clock.pass_ten_seconds()
        rare()
    assert get_settings().sample_rate is None


def test_switched_off_by_the_environment_stays_off(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAN_MONITORING_ENABLED", "false")
    get_settings()
    write(file, enabled=True)
    rare()
    assert get_settings().enabled is False


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{not json", "cannot be read"),
        ("[]", "JSON object"),
        ('{"sample_rate": 7}', "sample_rate"),
        ('{"sampel_rate": 0.1}', "no setting sampel_rate"),
        ('{"config_file": "x"}', "no setting config_file"),
        ('{"overrides": {"a.*": {"expires_at": "tomorrow"}}}', "expires_at"),
    ],
)
def test_a_bad_file_is_named_and_changes_nothing(
    content: str, why: str, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = get_settings()
    file.write_text(content)
    rare()
    assert get_settings() == before
    assert why in caplog.text
    assert str(file) in caplog.text


def test_no_thread_watches_the_file(file: Path) -> None:
    write(file, sample_rate=0.0)
    rare()
    assert not [t for t in threading.enumerate() if "config" in t.name]


def test_the_path_comes_from_the_environment(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mounted.json"
    write(path, sample_rate=0.125)
    module.config_file.reset()
    monkeypatch.setenv("ATLAN_MONITORING_CONFIG_FILE", str(path))
    get_settings()

    @flamegraph(backend="sampler")
    def fresh() -> None: ...

    fresh()
    assert get_settings().sample_rate == 0.125
    module.config_file.reset()
