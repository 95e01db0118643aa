"""How much monitoring has cost lately, and whether one more profile can be afforded."""

from __future__ import annotations

import threading
import time

from application_sdk.monitoring.engine.ledger import Ledger
from application_sdk.monitoring.model.spend import CostKind
from application_sdk.monitoring.settings import current_settings

_MOST_SAVED_SECONDS = 60.0


class Budget:
    """A token bucket: seconds of monitoring are earned by time passing, at the budget's rate.

    What is not spent is saved for up to a minute's worth, so that one costly profile of a
    quiet worker is possible and its rate over any longer window is not.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._saved = 0.0
        self._as_of = time.monotonic()
        self.spent_seconds = 0.0
        self.ledger = Ledger()

    def spend(self, seconds: float, kind: CostKind = "sending") -> None:
        """Take note of a cost that has arisen.

        Args:
            seconds: How much.
            kind: What for; the queues of what is sent know nothing but their seconds.
        """
        with self._lock:
            self._earn()
            self._saved -= seconds
            self.spent_seconds += seconds
        self.ledger.spend(kind, seconds)

    def reset(self) -> None:
        """In a forked child: what the parent has spent is told by the parent."""
        self._lock = threading.Lock()
        self.ledger = Ledger(forked=True)

    def seconds_until(self, cost: float) -> float:
        """How long until a cost can be afforded; 0 when it can be now."""
        with self._lock:
            self._earn()
            missing = cost - self._saved
            return max(0.0, missing / current_settings().overhead_budget)

    def _earn(self) -> None:
        now = time.monotonic()
        rate = current_settings().overhead_budget
        self._saved = min(self._saved + (now - self._as_of) * rate, _MOST_SAVED_SECONDS * rate)
        self._as_of = now


budget = Budget()
"""The process's only one."""
