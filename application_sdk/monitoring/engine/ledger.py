"""What monitoring has cost, by kind and by function: lately, and since the process began."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Protocol
from weakref import WeakKeyDictionary

from application_sdk.monitoring.model.spend import (
    OTHER_FUNCTIONS,
    CostKind,
    FunctionSpend,
    Period,
)

WINDOW_SECONDS = 300.0
"""How long the sliding window is, once a process is as old."""

_STEP_SECONDS = 10.0
_STEPS = int(WINDOW_SECONDS / _STEP_SECONDS)
_MOST_FUNCTIONS = 200
_MOST_SHOWN = 10

_Row = tuple[float, int, int]
"""Of one function: what it cost, profiled calls, calls."""


class Counter(Protocol):
    """Counts the calls of one decorated callable."""

    @property
    def calls(self) -> int:
        """Calls begun so far."""
        ...


class _Sums:
    """What has been added up over a stretch of time.

    Args:
        step: The stretch's number.
    """

    __slots__ = ("costs", "functions", "step")

    def __init__(self, step: int) -> None:
        self.step = step
        self.costs: dict[CostKind, float] = {}
        self.functions: dict[str, _Row] = {}

    def copy(self) -> _Sums:
        same = _Sums(self.step)
        same.costs, same.functions = dict(self.costs), dict(self.functions)
        return same

    def spend(self, kind: CostKind, seconds: float) -> None:
        self.costs[kind] = self.costs.get(kind, 0.0) + seconds

    def profiled(self, name: str, cost: float, calls: int) -> None:
        if name not in self.functions and len(self.functions) >= _MOST_FUNCTIONS:
            name = OTHER_FUNCTIONS
        known, profiled, stood_for = self.functions.get(name, (0.0, 0, 0))
        self.functions[name] = (known + cost, profiled + 1, stood_for + calls)


class Ledger:
    """Bounded however long the process runs and however many functions it has.

    Args:
        clock: Seconds, never going back.
        forked: Whether counters may have counted another process's calls already.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, forked: bool = False
    ) -> None:
        self._clock = clock
        self._forked = forked
        self._counters: dict[str, WeakKeyDictionary[Counter, int]] = {}
        self._lock = threading.Lock()
        self._began = clock()
        self.began_at = datetime.now(UTC)
        self._in_all = _Sums(0)
        self._steps: deque[_Sums] = deque(maxlen=_STEPS)

    def spend(self, kind: CostKind, seconds: float) -> None:
        """Take note of a cost."""
        with self._lock:
            self._in_all.spend(kind, seconds)
            self._now().spend(kind, seconds)

    def profiled(
        self, name: str, cost_seconds: float, calls: int, counter: Counter | None = None
    ) -> None:
        """Take note of a delivered profile; its cost has been noted by kind already.

        Args:
            name: The profile's name.
            cost_seconds: What it has cost in all.
            calls: How many calls it stands for.
            counter: Knows all calls of the callable; None where nobody does.
        """
        with self._lock:
            if counter is not None:
                self._watch(name, counter, calls)
            self._in_all.profiled(name, cost_seconds, calls)
            self._now().profiled(name, cost_seconds, calls)

    def periods(self) -> tuple[Period, Period]:
        """The sliding window, and everything."""
        with self._lock:
            now = self._clock()
            first = self._step(now) - _STEPS + 1
            # The steps that are over do not change any more.
            steps = [step for step in self._steps if step.step >= first]
            if steps:
                steps[-1] = steps[-1].copy()
            in_all = self._in_all.copy()
            for name, (cost, profiled, calls) in self._in_all.functions.items():
                in_all.functions[name] = (cost, profiled, max(calls, self._seen(name)))
        age = now - self._began
        window = min(age, now - first * _STEP_SECONDS)
        return _period(window, steps), _period(age, [in_all])

    def _watch(self, name: str, counter: Counter, calls: int) -> None:
        if name not in self._counters and len(self._counters) >= _MOST_FUNCTIONS:
            return
        counters = self._counters.setdefault(name, WeakKeyDictionary())
        if counter not in counters:
            counters[counter] = counter.calls - calls if self._forked else 0

    def _seen(self, name: str) -> int:
        counters = self._counters.get(name)
        if counters is None:
            return 0
        return sum(counter.calls - before for counter, before in counters.items())

    def _now(self) -> _Sums:
        step = self._step(self._clock())
        if not self._steps or self._steps[-1].step != step:
            self._steps.append(_Sums(step))
        return self._steps[-1]

    @staticmethod
    def _step(now: float) -> int:
        return int(now // _STEP_SECONDS)


def _period(seconds: float, parts: Iterable[_Sums]) -> Period:
    costs: dict[CostKind, float] = {}
    functions: dict[str, _Row] = {}
    for part in parts:
        for kind, cost in part.costs.items():
            costs[kind] = costs.get(kind, 0.0) + cost
        for name, row in part.functions.items():
            known = functions.get(name, (0.0, 0, 0))
            functions[name] = (known[0] + row[0], known[1] + row[1], known[2] + row[2])
    costliest = sorted(functions.items(), key=lambda item: (-item[1][0], item[0]))
    return Period(
        seconds=seconds,
        cost_seconds=sum(costs.values()),
        costs=costs,
        profiled_calls=sum(row[1] for row in functions.values()),
        calls=sum(row[2] for row in functions.values()),
        functions=tuple(
            FunctionSpend(name=name, cost_seconds=cost, profiled_calls=profiled, calls=calls)
            for name, (cost, profiled, calls) in costliest[:_MOST_SHOWN]
        ),
    )
