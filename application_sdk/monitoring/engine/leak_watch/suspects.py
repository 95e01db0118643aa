"""Which decorated function does memory grow with? By how often each was called."""

from __future__ import annotations

import time
import weakref
from dataclasses import dataclass

from application_sdk.monitoring.engine.plan import Plan


@dataclass(slots=True)
class _Account:
    """Sums over intervals of one function's calls and the process's growth.

    Attributes:
        calls: Calls begun by the end of the latest interval.
        since: When the account was opened.
        together: Sum of calls times bytes gained.
        squares: Sum of squared calls.
        total: Calls in all intervals.
    """

    calls: int
    since: float
    together: float = 0.0
    squares: float = 0.0
    total: int = 0

    @property
    def bytes_per_call(self) -> float:
        """The slope of growth over calls, through the origin."""
        return self.together / self.squares if self.squares else 0.0


class Suspects:
    """Keeps account of all watched functions: four numbers each, whatever happens."""

    def __init__(self) -> None:
        self._accounts: weakref.WeakKeyDictionary[Plan, _Account] = weakref.WeakKeyDictionary()
        self._level: int | None = None

    def add(self, plan: Plan) -> float:
        """Watch a function; returns for how many seconds it has been watched."""
        now = time.monotonic()
        account = self._accounts.get(plan)
        if account is None:
            account = self._accounts[plan] = _Account(calls_of(plan), now)
        return now - account.since

    def plans(self) -> list[Plan]:
        """All watched functions that are still alive."""
        return list(self._accounts)

    def observe(self, live_bytes: int) -> None:
        """End an interval at this level of live memory."""
        gained = 0 if self._level is None else live_bytes - self._level
        self._level = live_bytes
        for plan, account in list(self._accounts.items()):
            calls = calls_of(plan)
            made, account.calls = max(0, calls - account.calls), calls
            account.together += made * gained
            account.squares += made * made
            account.total += made

    def likeliest(self) -> Plan | None:
        """The function whose calls go with most growth; None when no growth goes with any."""
        found = [(a.bytes_per_call, plan) for plan, a in self._accounts.items() if a.total]
        size, plan = max(found, key=lambda pair: pair[0], default=(0.0, None))
        return plan if size > 0 else None


def calls_of(plan: Plan) -> int:
    """Calls of a function so far."""
    return 0 if plan.gate is None else plan.gate.calls
