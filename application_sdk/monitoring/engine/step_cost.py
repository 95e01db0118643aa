"""What it costs a call that its steps are timed one by one, and when that is too much."""

from __future__ import annotations

import time

_MEASURED_ONE_IN = 64
_OF_A_STEP = 2.5
"""A whole step's cost, entered, driven and left, in that of entering it (measured)."""
_LONGEST_SECONDS = 50e-6
"""An entry that took longer was interrupted."""
_MOST_SHARE = 0.02
_LEAST_SECONDS = 2e-3


class StepCost:
    """Counts a call's steps and estimates what timing them has cost.

    Attributes:
        seconds: The estimate so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._count = 0
        self._began = time.perf_counter()

    def counts(self) -> bool:
        """One more step; whether it is one of those whose entry is measured."""
        self._count += 1
        return self._count % _MEASURED_ONE_IN == 0

    def is_too_much(self, entry_seconds: float, calls: int) -> bool:
        """Whether the steps since the call's begin have cost more than is good.

        Args:
            entry_seconds: What the entry of the present step has taken.
            calls: How many calls are followed now; they share what is allowed.
        """
        entry = min(entry_seconds, _LONGEST_SECONDS)
        self.seconds += entry * _OF_A_STEP * _MEASURED_ONE_IN
        allowed = (time.perf_counter() - self._began) * _MOST_SHARE / max(1, calls)
        return self.seconds > max(allowed, _LEAST_SECONDS)
