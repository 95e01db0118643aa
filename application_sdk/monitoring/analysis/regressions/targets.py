"""A callable, sync or async, as a side that can be measured."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from itertools import repeat
from typing import Any

from application_sdk.monitoring.analysis.regressions.clock import CostMeter, Reading
from application_sdk.monitoring.errors import InvalidArgumentTypeError, MonitoringError

Target = Callable[[], object]

_MAX_CALLS = 1 << 24


class TargetSide:
    """Calls one target; several times in one measurement when a call is short.

    Args:
        target: A callable without arguments; what it returns is awaited if it can be.
        role: ``baseline`` or ``candidate``, for messages.
        runner: The event loop for awaitable results, shared by both sides.

    Attributes:
        calls: Calls in one measurement.
    """

    def __init__(self, target: Target, role: str, runner: asyncio.Runner) -> None:
        if not callable(target):
            raise InvalidArgumentTypeError(
                f"{role}={target!r} is not callable; pass a function without arguments"
            )
        self.calls = 1
        self._target = target
        self._role = role
        self._runner = runner
        self._meter = CostMeter()
        self._awaits: bool | None = None

    def measure(self) -> Reading:
        """Call the target ``calls`` times.

        Raises:
            MonitoringError: If the target raises.
        """
        try:
            if self._awaits is None:
                return self._first()
            if self._awaits:
                return self._runner.run(self._await_calls())
            return self._plain_calls()
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            raise MonitoringError(
                f"the {self._role} raised {type(error).__name__}: {error}"
            ) from error

    def _plain_calls(self) -> Reading:
        target, calls = self._target, repeat(None, self.calls)
        self._meter.start()
        for _ in calls:
            target()
        return self._meter.stop()

    async def _await_calls(self) -> Reading:
        target, calls = self._target, repeat(None, self.calls)
        self._meter.start()
        for _ in calls:
            await target()  # type: ignore[misc]
        return self._meter.stop()

    def _first(self) -> Reading:
        """The first call tells whether the target is to be awaited, whatever it looks like."""

        async def call() -> Reading:
            self._meter.start()
            result: Any = self._target()
            self._awaits = inspect.isawaitable(result)
            if self._awaits:
                await _as_awaitable(result)
            return self._meter.stop()

        if inspect.iscoroutinefunction(self._target):
            return self._runner.run(call())
        self._meter.start()
        result: Any = self._target()
        if not inspect.isawaitable(result):
            self._awaits = False
            return self._meter.stop()
        self._awaits = True
        self._runner.run(_consume(result))
        return self._meter.stop()


async def _consume(result: Awaitable[object]) -> None:
    await result


async def _as_awaitable(result: Any) -> None:
    await result


def calibrate(
    sides: tuple[TargetSide, TargetSide], slot_seconds: float, limit_seconds: float
) -> None:
    """Warm both sides up and choose how many calls make one measurement of each.

    Both sides get the same number, the least at which the quicker one fills a slot.
    """
    begun = time.perf_counter()
    for side in sides:
        side.measure()
    while True:
        shortest = min(side.measure().wall for side in sides)
        spent = time.perf_counter() - begun
        calls = sides[0].calls
        if shortest >= slot_seconds or calls >= _MAX_CALLS or spent > limit_seconds:
            break
        grown = calls * min(8.0, max(1.5, 1.2 * slot_seconds / max(shortest, 1e-9)))
        for side in sides:
            side.calls = min(_MAX_CALLS, max(calls + 1, int(grown)))
