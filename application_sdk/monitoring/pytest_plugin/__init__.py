"""The pytest plugin: ``leak_check`` and ``perf_check`` markers, inert unless used.

Loaded by entry point in every pytest run of an environment, so it imports nothing heavy.
"""

from __future__ import annotations

import importlib
import inspect
import unittest
from collections.abc import Callable
from typing import Any

import pytest

_MARKERS = {
    "leak_check": (
        "leak_check(min_bytes_per_call=64, max_seconds=60.0): call the test again and again, and "
        "fail it when memory stays behind"
    ),
    "perf_check": (
        "perf_check(baseline=..., threshold=0.05, max_seconds=60.0, metric='time'): fail the test "
        "when it is slower, or takes more memory, than the baseline"
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


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    for line in _MARKERS.values():
        config.addinivalue_line("markers", line)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a marker where the test could not be called again and again."""
    name = _marker(item)
    if name is None:
        return
    cls = getattr(item, "cls", None)
    if not isinstance(item, pytest.Function) or (cls and issubclass(cls, unittest.TestCase)):
        pytest.fail(
            f"{name} works on test functions and on methods of plain classes, not on "
            f"{type(item).__name__}",
            pytrace=False,
        )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a marked test's body under its check, in place of the one plain call."""
    name = _marker(pyfuncitem)
    if name is None:
        return None
    check = importlib.import_module(f"{__name__}.{name}")
    check.run(pyfuncitem, bind_body(pyfuncitem), pyfuncitem.get_closest_marker(name))
    return True


def bind_body(item: pytest.Function) -> Callable[[], Any]:
    """The test without arguments: fixtures and parameters, set up once, are bound.

    An asynchronous test gives a coroutine function, unless a plugin for asynchronous tests
    has already made it synchronous: then it runs on that plugin's loop, as its fixtures did.
    """
    function: Callable[..., Any] = item.obj
    arguments = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}
    if not arguments:
        return function
    if inspect.iscoroutinefunction(function):

        async def body_async() -> Any:
            return await function(**arguments)

        return body_async

    def body() -> Any:
        return function(**arguments)

    return body


def _marker(item: pytest.Item) -> str | None:
    found = [name for name in _MARKERS if item.get_closest_marker(name) is not None]
    return found[0] if found else None
