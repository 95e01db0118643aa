"""What the environment says: read late, checked, and never the end of an import."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from application_sdk.monitoring import MonitoringSettings, flamegraph, get_settings
from application_sdk.monitoring.settings import reset_settings


@pytest.fixture(autouse=True)
def nothing_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reset_settings()
    monkeypatch.setenv("ATLAN_MONITORING_OUTPUT_DIR", str(tmp_path / "profiles"))


@pytest.mark.parametrize(
    ("name", "value", "default"),
    [
        ("SAMPLE_RATE", "often", None),
        ("SAMPLE_RATE", "1.5", None),
        ("INTERVAL", "0", 0.01),
        ("FORMATS", "html,hologram", ("html", "json", "summary")),
        ("CPU_BACKEND", "gdb", "auto"),
        ("OVERRIDES", "{not json", {}),
        ("OVERRIDES", '{"a": {"rate": 1}}', {}),
        ("MAX_TREE_NODES", "few", 25_000),
        ("ENABLED", "perhaps", True),
    ],
)
def test_a_bad_value_warns_once_by_name_and_the_default_stands(
    name: str,
    value: str,
    default: object,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(f"ATLAN_MONITORING_{name}", value)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert getattr(get_settings(), name.lower()) == default
            flamegraph(lambda: None)()
    (said,) = [r.getMessage() for r in caplog.records if name in r.getMessage()]
    assert value in said
    assert "is not allowed" in said


def test_a_change_of_the_environment_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAN_MONITORING_OUTPUT_DIR", "first")
    assert get_settings().output_dir == Path("first")
    monkeypatch.setenv("ATLAN_MONITORING_OUTPUT_DIR", "second")
    assert get_settings().output_dir == Path("second")


def test_an_empty_variable_is_the_same_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAN_MONITORING_SAMPLE_RATE", "")
    assert get_settings().sample_rate is None


def test_every_setting_says_what_it_means() -> None:
    assert all(field.description for field in MonitoringSettings.model_fields.values())
