"""Comparing two callables in one process, measured in turn."""

from __future__ import annotations

import asyncio
import gc
import inspect
import time
from collections.abc import Iterator
from contextlib import contextmanager

from application_sdk.monitoring.analysis.regressions.interleaving import Interleaving, Outcome
from application_sdk.monitoring.analysis.regressions.targets import Target, TargetSide, calibrate
from application_sdk.monitoring.analysis.regressions.verdicts import Comparison
from application_sdk.monitoring.analysis.regressions.wording import comparison_of
from application_sdk.monitoring.errors import (
    InvalidArgumentError,
    InvalidArgumentTypeError,
    MonitoringError,
)

METRICS = ("time", "memory")

_SLOT_SECONDS = 0.001
_WARM_UP_SHARE = 0.1
_MEASURING_SHARE = 0.93


def compare_callables(
    baseline: Target,
    candidate: Target,
    *,
    threshold: float = 0.05,
    max_seconds: float = 60.0,
    metric: str = "time",
) -> Comparison:
    """Say whether the candidate costs more than the baseline, and by how much.

    Both are called in turn, A B B A, until a one-sided rank test is certain about the threshold;
    a difference must show again in an independent run. Time is CPU time plus the time that a
    target chooses to wait; the queue for a busy core does not count, where the system tells it
    apart (Linux). Memory is the most bytes that one call has allocated at a time.

    Args:
        baseline: Callable without arguments, sync or async.
        candidate: The same, changed.
        threshold: The fraction by which the candidate may cost more, 0.05 for 5 %.
        max_seconds: The most time to spend. It ends as soon as it is certain; one call that is
            running when the time is up is let finish.
        metric: ``time``, or ``memory`` for the allocated bytes at a call's peak (needs memray).

    Returns:
        The verdict, the ratio candidate / baseline and its interval. ``inconclusive`` says why.

    Raises:
        InvalidArgumentError: If threshold, max_seconds or metric is not allowed.
        InvalidArgumentTypeError: If a side is not a callable without required arguments, or a
            number is none.
        MonitoringError: If a target raises, or if called inside a running event loop.
    """
    check_options(threshold, max_seconds, metric)
    for role, target in (("baseline", baseline), ("candidate", candidate)):
        _check_target(role, target)
    _check_no_running_loop()
    # A part is kept for the interval and the tests: the limit is the user's, not the series'.
    deadline = time.perf_counter() + max_seconds * _MEASURING_SHARE
    if metric == "memory":
        from application_sdk.monitoring.analysis.regressions.memory import compare_memory

        return compare_memory(baseline, candidate, threshold, deadline)
    with asyncio.Runner() as runner:
        outcome = _compare_time(baseline, candidate, runner, threshold, deadline)
    return comparison_of(outcome, threshold)


def _compare_time(
    baseline: Target,
    candidate: Target,
    runner: asyncio.Runner,
    threshold: float,
    deadline: float,
) -> Outcome:
    sides = (
        TargetSide(baseline, "baseline", runner),
        TargetSide(candidate, "candidate", runner),
    )
    left = deadline - time.perf_counter()
    calibrate(sides, _SLOT_SECONDS, left * _WARM_UP_SHARE)
    with quiet_collector():
        return Interleaving(*sides, threshold, deadline).decide()


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Keep what lives already out of garbage collections, which stay on.

    A collection that one side triggers would otherwise walk the whole process, at a moment that
    has nothing to do with the side.
    """
    gc.collect()
    frozen_by_others = gc.get_freeze_count() > 0
    if not frozen_by_others:
        gc.freeze()
    try:
        yield
    finally:
        if not frozen_by_others:
            gc.unfreeze()


def check_options(threshold: float, max_seconds: float, metric: str) -> None:
    """Refuse options of a comparison that make no sense.

    Raises:
        InvalidArgumentError: Naming the option, its value and what is allowed.
        InvalidArgumentTypeError: The same, where it is no number.
    """
    check_threshold(threshold)
    if isinstance(max_seconds, bool) or not isinstance(max_seconds, int | float):
        raise InvalidArgumentTypeError(
            f"max_seconds={max_seconds!r} is a {type(max_seconds).__name__}; "
            "give a number of seconds above 0"
        )
    if not 0.0 < max_seconds < float("inf"):
        raise InvalidArgumentError(
            f"max_seconds={max_seconds!r} is not allowed; give a number of seconds above 0"
        )
    if metric not in METRICS:
        raise InvalidArgumentError(
            f"metric={metric!r} is not allowed; choose one of {', '.join(METRICS)}"
        )


def check_threshold(threshold: float) -> None:
    """Refuse a threshold that is no sensible fraction.

    Raises:
        InvalidArgumentError: If it is not above 0 and up to 10.
        InvalidArgumentTypeError: If it is no number.
    """
    allowed = "give a fraction above 0 and up to 10, such as 0.05 for 5 %"
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise InvalidArgumentTypeError(
            f"threshold={threshold!r} is a {type(threshold).__name__}; {allowed}"
        )
    if not 0.0 < threshold <= 10.0:
        raise InvalidArgumentError(f"threshold={threshold!r} is not allowed; {allowed}")


def _check_target(role: str, target: Target) -> None:
    if not callable(target):
        raise InvalidArgumentTypeError(
            f"{role}={target!r} is not callable; pass a function without arguments"
        )
    try:
        inspect.signature(target).bind()
    except ValueError:
        return  # Some built-in callables have no signature to check.
    except TypeError as error:
        raise InvalidArgumentTypeError(
            f"{role}={target!r} cannot be called without arguments ({error}); "
            "bind them with functools.partial"
        ) from error


def _check_no_running_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return  # No loop runs here, as it should be.
    raise MonitoringError(
        "compare_callables blocks, so it cannot run inside an event loop; "
        "call it as `await asyncio.to_thread(compare_callables, baseline, candidate)`"
    )
