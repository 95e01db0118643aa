"""The pytest plugin: ``leak_check`` and ``perf_check`` markers, inert unless used.

Loaded by entry point in every pytest run of an environment, so it imports nothing heavy.
"""

from __future__ import annotations

import importlib
import os
import unittest

import pytest

PERF_REQUEST = "_ATLAN_PERF_CHECK_REQUEST"
"""The environment variable with which one pytest asks another one to measure a test."""

_MARKERS = {
    "leak_check": (
        "leak_check(min_bytes_per_call=64, max_seconds=60.0): call the test again and again, and "
        "fail it when memory stays behind"
    ),
    "perf_check": (
        "perf_check(baseline=FUNCTION, threshold=0.05, max_seconds=60.0, metric='time'): fail "
        "the test when it is slower, or takes more memory, than the baseline; base=GIT_REV "
        "instead of a baseline: than over that revision's code"
    ),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the checks."""
    group = parser.getgroup("monitoring", "leak and performance checks")
    group.addoption(
        "--leak-baseline",
        metavar="FILE",
        help="a TOML file of leak sites that are accepted, each with a reason and a date",
    )

    group.addoption(
        "--perf-check-report",
        metavar="DIR",
        help="write what each perf_check found into this directory: JSON, Markdown and, against "
        "a git revision, the page that shows where the time moved",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """In a process that measures for another pytest: look for the code in its checkout."""
    if PERF_REQUEST in os.environ:
        importlib.import_module(f"{__name__}.perf_side").prepare(early_config)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for line in _MARKERS.values():
        config.addinivalue_line("markers", line)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a marker where the test could not be called again and again."""
    names = _markers(item)
    if not names:
        return
    cls = getattr(item, "cls", None)
    if not isinstance(item, pytest.Function) or (cls and issubclass(cls, unittest.TestCase)):
        pytest.fail(
            f"{' and '.join(names)} works on test functions and on methods of plain classes, "
            f"not on {type(item).__name__}",
            pytrace=False,
        )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a marked test's body under its check, in place of the one plain call."""
    names = _markers(pyfuncitem)
    if not names:
        return None
    body = importlib.import_module(f"{__name__}.body").bind_body(pyfuncitem)
    side = importlib.import_module(f"{__name__}.perf_side") if "perf_check" in names else None
    if side is not None and side.requested(pyfuncitem.config):
        side.run(pyfuncitem, body)
        return True
    for name in names:
        check = importlib.import_module(f"{__name__}.{name}")
        check.run(pyfuncitem, body, pyfuncitem.get_closest_marker(name))
    return True


def _markers(item: pytest.Item) -> list[str]:
    return [name for name in _MARKERS if item.get_closest_marker(name) is not None]
