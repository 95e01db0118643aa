"""What people and machines are told when the watch changes its mind."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from application_sdk.monitoring import configure
from application_sdk.monitoring.analysis.leaks.report import LeakSite
from application_sdk.monitoring.analysis.leaks.retained import retained_profile
from application_sdk.monitoring.analysis.leaks.trend import LeakVerdict
from application_sdk.monitoring.calls.kinds import Kind
from application_sdk.monitoring.engine.leak_watch import announcement
from application_sdk.monitoring.engine.leak_watch.announcement import announce_verdict
from application_sdk.monitoring.engine.leak_watch.inspection import Finding
from application_sdk.monitoring.engine.outlets import publish
from application_sdk.monitoring.engine.plan import Options, Plan, resolve
from application_sdk.monitoring.exporters.metrics import Metrics
from application_sdk.monitoring.exporters.outward import outboxes
from tests.interchange.builders import MAIN, MEMORY_METRICS, tree_of

SITE = LeakSite(
    function="remember", file="/app/pages.py", line=7, bytes_per_call=9, allocations_per_call=1
)
SUSPECTED = LeakVerdict("suspected", 3 * 2**20, None)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], logging.LogRecord]:
    """The one record that was logged."""
    caplog.set_level(logging.INFO, logger="application_sdk.monitoring")

    def only() -> logging.LogRecord:
        (record,) = caplog.records
        return record

    return only


def finding(name: str | None) -> Finding:
    plan = None if name is None else Plan(lambda: None, Kind.SYNC, name, Options(memory=True))
    tree = tree_of(MEMORY_METRICS, [((MAIN,), (90, 10))])
    return Finding(plan, [SITE], retained_profile("x", datetime.now(UTC), 1.0, tree))


def test_without_a_finding_the_warning_names_the_likeliest_function_and_the_reason(
    said: Callable[[], logging.LogRecord],
) -> None:
    announce_verdict(SUSPECTED, "Python objects", None, "app.load", [], "memray is taken")
    record = said()
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "Memory leak suspected: the process grows by 3.0 MiB an hour (Python objects); it grows "
        "with calls of app.load; no line is named because memray is taken"
    )
    assert record.__dict__["leak_function"] == "app.load"
    assert record.__dict__["leak_sites"] == []
    assert record.__dict__["leak_profile"] is None


def test_a_finding_names_the_line_and_its_function_comes_before_the_likeliest(
    said: Callable[[], logging.LogRecord],
) -> None:
    files = [Path("leak.html"), Path("leak.json")]
    announce_verdict(SUSPECTED, "the C heap", finding("app.fetch"), "app.load", files, "unused")
    record = said()
    assert record.getMessage().endswith(
        "; it grows with calls of app.fetch; most of it is kept at remember (/app/pages.py:7)"
        "; flamegraph: leak.html"
    )
    assert record.__dict__["leak_sites"] == ["remember (/app/pages.py:7)"]
    assert record.__dict__["leak_profile"] == "leak.html"


def test_a_line_under_no_decorated_function_leaves_the_likeliest_one(
    said: Callable[[], logging.LogRecord],
) -> None:
    announce_verdict(SUSPECTED, "the C heap", finding(None), "app.load", [])
    assert said().__dict__["leak_function"] == "app.load"


def test_the_time_left_is_said_where_a_limit_is_known(
    said: Callable[[], logging.LogRecord],
) -> None:
    announce_verdict(LeakVerdict("confirmed", 2**20, 5 * 3600.0), "the C heap", None, None, [])
    assert "confirmed" in said().getMessage()
    assert said().getMessage().endswith(" and reaches its limit in 5 hours")


def test_growth_that_has_stopped_is_no_warning(said: Callable[[], logging.LogRecord]) -> None:
    announce_verdict(LeakVerdict("cleared", 2**21, None), "the C heap", None, "app.load", [])
    assert said().levelno == logging.INFO
    assert "the growth of 2.0 MiB an hour has stopped" in said().getMessage()


def test_a_verdict_is_counted_as_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    monkeypatch.setattr("opentelemetry.metrics.get_meter", MeterProvider([reader]).get_meter)
    monkeypatch.setattr(announcement, "metrics", Metrics())
    announce_verdict(SUSPECTED, "the C heap", finding("app.fetch"), "app.load", [])
    configure(metrics=False)
    announce_verdict(SUSPECTED, "the C heap", finding("app.fetch"), "app.load", [])
    data = reader.get_metrics_data()
    assert data is not None
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    (point,) = metric.data.data_points
    assert metric.name == "monitoring.events"
    assert (dict(point.attributes or {}), point.value) == (  # type: ignore[union-attr]
        {"kind": "leak", "verdict": "suspected", "function": "app.fetch"},
        1,
    )


def test_what_is_hashed_in_profiles_is_hashed_in_the_warning(
    said: Callable[[], logging.LogRecord], tmp_path: Path
) -> None:
    configure(redact="names,paths", output_dir=tmp_path)
    announce_verdict(SUSPECTED, "the C heap", finding("app.fetch"), "app.load", [])
    text = f"{said().getMessage()} {said().__dict__}"
    for word in ("app.fetch", "app.load", "remember", "/app/pages"):
        assert word not in text
    assert "most of it is kept at name-" in text


def test_the_flamegraph_of_a_leak_is_hashed_and_uploaded_as_any_profile(tmp_path: Path) -> None:
    settings = configure(
        redact="names,paths",
        upload_url=f"file://{tmp_path}/store",
        output_dir=tmp_path / "profiles",
        formats="json",
    )
    found = finding("app.fetch")
    (file,) = publish(found.profile, resolve(("app.fetch",), Options(memory=True), settings))
    assert outboxes["upload"].flush(60)
    (uploaded,) = (path for path in (tmp_path / "store").rglob("*.json") if path.is_file())
    assert uploaded.read_bytes() == file.read_bytes()
    assert b"/app/main.py" not in file.read_bytes()


def test_a_leaks_flamegraph_that_cannot_be_hashed_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file in the way")
    settings = configure(redact="names", output_dir=tmp_path / "blocked" / "profiles")
    resolved = resolve(("app.fetch",), Options(memory=True), settings)
    assert publish(finding("app.fetch").profile, resolved) == []
