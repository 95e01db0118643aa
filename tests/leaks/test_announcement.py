"""What people and machines are told when the watch changes its mind."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from application_sdk.monitoring.analysis.leaks.report import LeakSite
from application_sdk.monitoring.analysis.leaks.retained import retained_profile
from application_sdk.monitoring.analysis.leaks.trend import LeakVerdict
from application_sdk.monitoring.calls.kinds import Kind
from application_sdk.monitoring.engine.leak_watch.announcement import announce_verdict
from application_sdk.monitoring.engine.leak_watch.inspection import Finding
from application_sdk.monitoring.engine.plan import Options, Plan
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
