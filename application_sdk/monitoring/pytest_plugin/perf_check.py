"""``@pytest.mark.perf_check``: a test costing more than its baseline fails, and says so."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from application_sdk.monitoring.analysis.regressions import Comparison, compare_callables
from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.protocols import BackendUnavailable
from application_sdk.monitoring.pytest_plugin.body import arguments_of, bind
from application_sdk.monitoring.pytest_plugin.gathered import bounded_logs, silent_warnings

_ALLOWED = ("baseline", "threshold", "max_seconds", "metric")


def run(item: pytest.Function, body: Callable[[], Any], marker: pytest.Mark) -> None:
    """Compare a test's body with its baseline; fail the test when it costs more, or is uncertain.

    Args:
        item: The test.
        body: Its function without arguments; a coroutine function is awaited.
        marker: The marker, with a baseline and the keywords of ``compare_callables``.
    """
    keywords = _keywords(marker)
    baseline = keywords.pop("baseline")
    other = _bound(item, baseline)
    try:
        with silent_warnings(), bounded_logs(item):
            comparison = compare_callables(other, body, **keywords)
    except MonitoringError as error:
        cause = error.__cause__
        if cause is None or isinstance(error, TypeError) or isinstance(cause, BackendUnavailable):
            _refuse(str(error))
        # The test's own failure, with its own traceback, is what the developer looks for.
        cause.add_note(f"perf_check: {error}")
        raise cause from None
    item.user_properties.append(("perf_check", f"{comparison.verdict}: {comparison.explanation}"))
    _conclude(comparison, getattr(baseline, "__qualname__", None) or repr(baseline))


def _conclude(comparison: Comparison, against: str) -> None:
    if comparison.verdict in ("regression", "inconclusive"):
        pytest.fail(
            f"perf_check: {comparison.verdict.upper()} against {against}\n{comparison.explanation}",
            pytrace=False,
        )


def _bound(item: pytest.Function, baseline: Callable[..., Any]) -> Callable[[], Any]:
    """The baseline without arguments: it may ask for the test's own, by name."""
    given = arguments_of(item)
    try:
        parameters = inspect.signature(baseline).parameters.values()
    except ValueError:
        return baseline  # Some built-in callables have no signature; they are called as they are.
    wanted = [
        each.name
        for each in parameters
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        and each.default is each.empty
    ]
    lacking = [name for name in wanted if name not in given]
    if lacking:
        has = f"which has {', '.join(given)}" if given else "which has none"
        _refuse(
            f"the baseline wants {', '.join(lacking)}; it may take only arguments of the test, "
            f"{has}: add the fixture to the test, or bind it with functools.partial"
        )
    # Both sides or neither pay for the binding, which counts when a body is short.
    return bind(baseline, {name: given[name] for name in wanted}) if given else baseline


def _keywords(marker: pytest.Mark) -> dict[str, Any]:
    known = (*_ALLOWED, "base")
    wrong = [*map(repr, marker.args), *(name for name in marker.kwargs if name not in known)]
    if wrong:
        _refuse(
            f"it does not take {', '.join(wrong)}; it takes {', '.join(_ALLOWED[:-1])} and "
            f"{_ALLOWED[-1]} by keyword"
        )
    keywords = dict(marker.kwargs)
    base = keywords.get("base")
    if base is not None:
        _refuse(
            f"base={base!r}: a test body cannot be compared with a git revision; put the work "
            f"into a function and run `sdk-monitoring compare --base {base} MODULE:FUNCTION`, or "
            "give the old version as a function, baseline=old_version"
        )
    baseline = keywords.get("baseline")
    if baseline is None:
        _refuse(
            "there is no baseline to compare with; give a function to compare the test with, "
            "such as @pytest.mark.perf_check(baseline=old_version)"
        )
    if not callable(baseline):
        _refuse(f"baseline={baseline!r} is not callable; give a function")
    keywords.pop("base", None)
    return keywords


def _refuse(message: str) -> NoReturn:
    pytest.fail(f"perf_check: {message}", pytrace=False)
