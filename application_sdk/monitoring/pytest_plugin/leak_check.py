"""``@pytest.mark.leak_check``: a test that leaks fails, and says where."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from application_sdk.monitoring.analysis.leaks.baseline import load_baseline
from application_sdk.monitoring.analysis.leaks.check import (
    DEFAULT_MIN_BYTES_PER_CALL,
    check_body,
)
from application_sdk.monitoring.analysis.leaks.investigation import Target
from application_sdk.monitoring.analysis.leaks.report import LeakReport
from application_sdk.monitoring.analysis.leaks.steps import TargetRaisedError
from application_sdk.monitoring.analysis.leaks.text import report_text
from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.pytest_plugin.gathered import log_handlers, silent_warnings

_ALLOWED = ("min_bytes_per_call", "max_seconds")


def run(item: pytest.Function, body: Callable[[], Any], marker: pytest.Mark) -> None:
    """Check a test's body for leaks, and fail the test when it leaks or nothing is certain.

    Args:
        item: The test.
        body: Its function without arguments; a coroutine function is awaited.
        marker: The marker, with the keywords of ``check_leaks``.
    """
    keywords = _keywords(marker)
    baseline = item.config.getoption("--leak-baseline")
    try:
        accepted = load_baseline(baseline) if baseline else None
        with silent_warnings():
            report = check_body(
                body,
                Target(item.nodeid, str(item.path)),
                is_async=inspect.iscoroutinefunction(body),
                before_reading=_gathered_logs(item),
                **keywords,
            )
    except TargetRaisedError as error:
        # The test's own failure, with its own traceback, is what the developer looks for.
        raise (error.__cause__ or error) from None
    except MonitoringError as error:
        pytest.fail(f"leak_check: {error}", pytrace=False)
    if accepted is not None:
        floor = keywords.get("min_bytes_per_call", DEFAULT_MIN_BYTES_PER_CALL)
        report = accepted.apply(report, floor)
    item.user_properties.append(("leak_check", f"{report.verdict}: {report.explanation}"))
    _conclude(report)


def _conclude(report: LeakReport) -> None:
    if report.verdict != "clean":
        pytest.fail(report_text(report), pytrace=False)


def _keywords(marker: pytest.Mark) -> dict[str, Any]:
    wrong = [*map(repr, marker.args), *(name for name in marker.kwargs if name not in _ALLOWED)]
    if wrong:
        pytest.fail(
            f"leak_check does not take {', '.join(wrong)}; it takes {' and '.join(_ALLOWED)} by "
            "keyword",
            pytrace=False,
        )
    return dict(marker.kwargs)


def _gathered_logs(item: pytest.Function) -> Callable[[], None] | None:
    """Empties what pytest gathers while a test logs, so that it does not count as a leak."""
    handlers = log_handlers(item)
    if not handlers:
        return None

    def empty() -> None:
        # clear() keeps the list that fixtures hold; reset() would give them another one.
        for handler in handlers:
            handler.clear()

    return empty
