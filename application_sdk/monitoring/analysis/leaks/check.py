"""``check_leaks``: does this callable leak, how much, and where?"""

from __future__ import annotations

import asyncio
import inspect
import math
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from application_sdk.monitoring.analysis.leaks.investigation import Target, investigate
from application_sdk.monitoring.analysis.leaks.report import LeakReport
from application_sdk.monitoring.analysis.leaks.steps import bind, drive, drive_async
from application_sdk.monitoring.errors import InvalidArgumentError, InvalidArgumentTypeError

DEFAULT_MIN_BYTES_PER_CALL = 64
DEFAULT_MAX_SECONDS = 60.0

Progress = Callable[[str], object]


def check_leaks(
    target: Callable[..., Any],
    *args: Any,
    min_bytes_per_call: float = DEFAULT_MIN_BYTES_PER_CALL,
    max_seconds: float = DEFAULT_MAX_SECONDS,
    **kwargs: Any,
) -> LeakReport:
    """Call a callable again and again, and tell whether memory stays behind.

    The target runs at native speed while the live heap is read between blocks of calls.
    Only when the heap grows steadily are further calls traced, to name the lines. The
    check ends as soon as the answer is certain.

    Args:
        target: What to check. A coroutine function is awaited, all calls on one event
            loop; a generator function is run to its end in each call.
        *args: Passed to each call.
        min_bytes_per_call: Growth in bytes per call that is no leak.
        max_seconds: The most seconds to spend. One call in progress is not interrupted.
        **kwargs: Passed to each call.

    Returns:
        The verdict, what leaks, and why.

    Raises:
        InvalidArgumentTypeError: If the target is not callable or an argument is no number.
        InvalidArgumentError: If a number is not positive and finite.
        MonitoringError: From the target's exception, when it raises one.
    """
    body, is_async = bind(_checked_target(target), args, kwargs)
    return check_body(
        body,
        describe(target),
        is_async=is_async,
        min_bytes_per_call=min_bytes_per_call,
        max_seconds=max_seconds,
    )


def check_body(
    body: Callable[[], Any],
    target: Target,
    *,
    is_async: bool,
    min_bytes_per_call: float = DEFAULT_MIN_BYTES_PER_CALL,
    max_seconds: float = DEFAULT_MAX_SECONDS,
    progress: Progress | None = None,
    before_reading: Callable[[], object] | None = None,
) -> LeakReport:
    """The same for a callable without arguments, with hooks for a tool around it.

    Args:
        body: What to call.
        target: Its name and place, for the report.
        is_async: Whether what it returns is awaited.
        min_bytes_per_call: See ``check_leaks``.
        max_seconds: See ``check_leaks``.
        progress: Told in a few words, between blocks of calls, what is going on.
        before_reading: Called before each reading of the heap, to empty what the tool
            itself gathers while the body runs.

    Raises:
        InvalidArgumentTypeError: See ``check_leaks``.
        InvalidArgumentError: See ``check_leaks``.
        MonitoringError: See ``check_leaks``.
    """
    investigation = investigate(
        target,
        _positive("min_bytes_per_call", min_bytes_per_call),
        _positive("max_seconds", max_seconds),
        progress,
        before_reading,
    )
    if not is_async:
        return drive(investigation, body)
    return _run(drive_async(investigation, body))


def describe(target: Callable[..., Any]) -> Target:
    """Name and file of a callable."""
    inner = inspect.unwrap(target)
    while hasattr(inner, "func"):  # functools.partial
        inner = inspect.unwrap(inner.func)
    if not hasattr(inner, "__qualname__"):
        inner = type(inner)
    module = getattr(inner, "__module__", None) or "builtins"
    try:
        file = inspect.getfile(inner)
    except TypeError:
        file = ""  # built in
    return Target(f"{module}.{inner.__qualname__}", file)


def _run(checking: Coroutine[Any, Any, LeakReport]) -> LeakReport:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(checking)
    # The caller runs on a loop of its own, which cannot run another one inside.
    outcome: list[LeakReport | BaseException] = []

    def on_thread() -> None:
        try:
            outcome.append(asyncio.run(checking))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=on_thread, name="monitoring-leak-check", daemon=True)
    thread.start()
    thread.join()
    result = outcome[0]
    if isinstance(result, BaseException):
        raise result
    return result


def _checked_target(target: Callable[..., Any]) -> Callable[..., Any]:
    if not callable(target):
        raise InvalidArgumentTypeError(
            f"target={target!r} is not callable; give a function, a method, or a callable object"
        )
    return target


def _positive(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidArgumentTypeError(
            f"{name}={value!r} is not a number; allowed is a number above 0"
        )
    if not (math.isfinite(value) and value > 0):
        raise InvalidArgumentError(f"{name}={value!r} is not allowed; give a finite number above 0")
    return float(value)
