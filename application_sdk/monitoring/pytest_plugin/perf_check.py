"""``@pytest.mark.perf_check``: a test costing more than its baseline fails, and says so."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from application_sdk.monitoring.analysis.regressions import Comparison, compare_callables
from application_sdk.monitoring.analysis.regressions.revisions import RevisionComparison
from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.protocols import BackendUnavailable
from application_sdk.monitoring.pytest_plugin.body import arguments_of, bind
from application_sdk.monitoring.pytest_plugin.gathered import bounded_logs, silent_warnings
from application_sdk.monitoring.pytest_plugin.perf_report import write_report
from application_sdk.monitoring.pytest_plugin.perf_revision import compare_with_revision

_ALLOWED = ("baseline", "base", "threshold", "max_seconds", "metric")


def run(item: pytest.Function, body: Callable[[], Any], marker: pytest.Mark) -> None:
    """Compare a test's body with its baseline; fail the test when it costs more, or is uncertain.

    Args:
        item: The test.
        body: Its function without arguments; a coroutine function is awaited.
        marker: The marker, with a baseline or base and the keywords of ``compare_callables``.
    """
    keywords = _keywords(marker)
    base, baseline = keywords.pop("base", None), keywords.pop("baseline", None)
    report = item.config.getoption("--perf-check-report")
    pages: tuple[Profile, Profile] | None = None
    try:
        if base is None:
            comparison = _with_callable(item, baseline, body, keywords)
        else:
            found = _with_revision(item, base, body, keywords, always_profile=report is not None)
            comparison = found.comparison
            if found.baseline is not None and found.candidate is not None:
                pages = found.baseline, found.candidate
    except MonitoringError as error:
        cause = error.__cause__
        ours = isinstance(error, TypeError) or isinstance(cause, (BackendUnavailable, OSError))
        if base is not None or cause is None or ours:
            _refuse(str(error))
        # The test's own failure, with its own traceback, is what the developer looks for.
        cause.add_note(f"perf_check: {error}")
        raise cause from None
    item.user_properties.append(("perf_check", f"{comparison.verdict}: {comparison.explanation}"))
    if report is not None:
        write_report(Path(report), item.nodeid, comparison, pages)
    _conclude(comparison, base or getattr(baseline, "__qualname__", None) or repr(baseline))


def _with_callable(
    item: pytest.Function,
    baseline: Callable[..., Any],
    body: Callable[[], Any],
    keywords: dict[str, Any],
) -> Comparison:
    other = _bound(item, baseline)
    with silent_warnings(), bounded_logs(item):
        return compare_callables(other, body, **keywords)


def _with_revision(
    item: pytest.Function,
    base: str,
    body: Callable[[], Any],
    keywords: dict[str, Any],
    *,
    always_profile: bool,
) -> RevisionComparison:
    # A test that fails or skips does so as it would without the check.
    if inspect.iscoroutinefunction(body):
        asyncio.run(body())
    else:
        body()
    return compare_with_revision(item, base, keywords, always_profile=always_profile)


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
    wrong = [*map(repr, marker.args), *(name for name in marker.kwargs if name not in _ALLOWED)]
    if wrong:
        _refuse(
            f"it does not take {', '.join(wrong)}; it takes {', '.join(_ALLOWED[:-1])} and "
            f"{_ALLOWED[-1]} by keyword"
        )
    keywords = dict(marker.kwargs)
    base, baseline = keywords.get("base"), keywords.get("baseline")
    if base is not None and baseline is not None:
        _refuse("give base or baseline: it is compared with one of them")
    if base is None and baseline is None:
        _refuse(
            "there is no baseline to compare with; give a function to compare the test with, "
            "@pytest.mark.perf_check(baseline=old_version), or a git revision, "
            '@pytest.mark.perf_check(base="origin/main")'
        )
    if base is not None and not isinstance(base, str):
        _refuse(f"base={base!r} is no git revision; give its name")
    if baseline is not None and not callable(baseline):
        _refuse(f"baseline={baseline!r} is not callable; give a function, or base= a git revision")
    return keywords


def _refuse(message: str) -> NoReturn:
    pytest.fail(f"perf_check: {message}", pytrace=False)
