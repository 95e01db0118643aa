"""Decides which calls are profiled, by a countdown that the wrapper itself keeps."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Iterator
from types import CellType
from typing import Literal

from application_sdk.monitoring.engine.budget import budget
from application_sdk.monitoring.engine.context import in_sampled_span
from application_sdk.monitoring.model.profile import SamplingInfo
from application_sdk.monitoring.sample_rate import SampleRate
from application_sdk.monitoring.settings import current_settings

# The interpreter counts fastest in numbers of one digit of its own; longer gaps take turns.
_LONGEST_COUNTDOWN = 2**29
_WATCHED_COUNTDOWN = 1_024
POLLS_PER_SECOND = 10.0


def sampled_positions(rate: float, rng: random.Random) -> Iterator[int]:
    """Which calls a rate samples, counted from 0.

    The calls are cut into strata of ``1 / rate`` calls from a random start, and one call of
    each stratum is drawn. So any number of calls has its exact share of samples, to within
    one at either end, every call is equally likely, and no rhythm of the program can fall
    into step with it.
    """
    if rate <= 0:
        return
    phase = rng.random()
    stratum = 0
    while True:
        first = math.ceil((stratum - phase) / rate)
        last = math.ceil((stratum + 1 - phase) / rate) - 1
        position = rng.randint(first, max(first, last))
        if position >= 0:
            yield position
        stratum += 1


def polled_for() -> Literal["settings", "durations"] | None:
    """Why a gate with a given rate is asked between two samples, too; None where it is not."""
    settings = current_settings()
    if settings.may_change_by_itself:
        return "settings"
    return "durations" if settings.regression_detection else None


class Gate:
    """The sampling decision of one decorated callable.

    Args:
        countdown: The wrapper's cell: calls that pass before the next one asks here.
        rate: Fraction of calls to profile; ``trace`` lets each call's span decide, None the
            overhead budget.
        look_first: Whether the very next call asks here whatever the rate says, so that
            the caller can see where it runs; what is sampled stays the same.
    """

    def __init__(
        self, countdown: CellType, rate: SampleRate | None, look_first: bool = False
    ) -> None:
        self._lock = threading.Lock()
        self._countdown = countdown
        self._expected_cost = 0.0
        self._look_first = look_first
        self._given: int = countdown.cell_contents
        self.set_rate(rate)

    @property
    def calls(self) -> int:
        """Calls begun so far, at no cost to any of them."""
        left: int = self._countdown.cell_contents
        return self._given - left

    def set_rate(self, rate: SampleRate | None) -> None:
        """Begin anew with another rate."""
        with self._lock:
            self.rate = rate
            self._rest = 0
            self._first = True
            self._polled_at = time.monotonic()
            self._polled_after = 1
            self._passed = 0
            self._turn = 1
            self.watched: Literal["settings", "durations"] | None = None
            if rate is None or isinstance(rate, str):
                self._set(1)
                return
            self._part = 0
            self._positions = sampled_positions(rate, random.Random())
            self._previous = -1
            self._set(0)
            self._count_down_to_next(0)
            self.watched = polled_for()
            if (self._look_first or self.watched) and self._countdown.cell_contents > 1:
                if self._rest >= 0:
                    self._rest += self._countdown.cell_contents - 1
                self._set(1)

    def count_down(self) -> bool:
        """Count one call where there is no wrapper to do it; whether the gate is to be asked."""
        with self._lock:
            self._countdown.cell_contents -= 1
            return bool(self._countdown.cell_contents <= 0)

    def ask(self) -> SamplingInfo | None:
        """Whether the call that used up the countdown is profiled, and why; sets it anew."""
        with self._lock:
            left = self._countdown.cell_contents
            if left > 0:
                return None  # a call in another thread has taken this turn
            if self.rate is None:
                return self._ask_budget(left)
            if isinstance(self.rate, str):
                return self._ask_span(left)
            if self._rest:
                self._advance(left)
                return None
            calls, self._passed = self._passed, 0
            self._count_down_to_next(left)
            return SamplingInfo(mode="fixed", rate=self.rate, calls_since_previous=calls)

    def learn_cost(self, seconds: float) -> None:
        """Take note of what a profile of this callable has cost."""
        with self._lock:
            known = self._expected_cost
            self._expected_cost = seconds if not known else 0.7 * known + 0.3 * seconds

    def _set(self, count: int) -> None:
        """Let so many calls pass; what was given in all and what is left tell the calls."""
        self._given += count - self._countdown.cell_contents
        self._countdown.cell_contents = count

    def _count_down_to_next(self, left: int) -> None:
        position = next(self._positions, None)
        if position is None:
            self._rest = -1
            self._advance(left)
            return
        gap = position - self._previous
        self._previous = position
        self._passed += gap
        self._rest = gap
        self._advance(left)

    def _advance(self, left: int) -> None:
        longest = self._longest(self._part - left)
        if self._rest < 0:
            self._part = longest
            self._set(longest)
            return
        part = self._part = min(self._rest, longest)
        self._rest -= part
        # Added and not set: calls of other threads may have counted below zero meanwhile. And in
        # one statement without a call, within which no other thread can get the interpreter.
        self._countdown.cell_contents += part
        self._given += part

    def _longest(self, calls: int) -> int:
        """How many calls may pass unseen: few where settings may change by themselves.

        Args:
            calls: Those that came since the last look.
        """
        reason = polled_for()
        if reason is None:
            return _LONGEST_COUNTDOWN
        now = time.monotonic()
        if reason == "durations":
            return self._poll_gap(calls, now)
        # Each call of a rare function looks, and every thousandth of one that is called often.
        often = now - self._polled_at < 1 / POLLS_PER_SECOND
        self._polled_at = now
        self._turn = min(self._turn * 2, _WATCHED_COUNTDOWN) if often else 1
        return self._turn

    def _ask_span(self, left: int) -> SamplingInfo | None:
        self._passed += 1 - left
        self._set(1)
        if not in_sampled_span():
            return None
        passed, self._passed = self._passed, 0
        return SamplingInfo(mode="trace", calls_since_previous=passed)

    def _poll_gap(self, calls: int, now: float) -> int:
        """How many calls may pass until the next poll: each of a rare function is one.

        Random, for the calls at polls are timed: a fixed gap may fall into step with the
        program's rhythm. And at most twice the last, for a burst is soon over.
        """
        rate = calls / max(1e-6, now - self._polled_at)
        self._polled_at = now
        mean = min(int(rate / POLLS_PER_SECOND), 2 * self._turn, _LONGEST_COUNTDOWN // 2)
        self._turn = max(1, mean)
        return random.randint(1, 2 * self._turn - 1)

    def _ask_budget(self, left: int) -> SamplingInfo | None:
        now = time.monotonic()
        calls = self._polled_after - left
        self._passed += calls
        wait = 0.0 if self._first else budget.seconds_until(self._expected_cost)
        self._polled_after = self._poll_gap(calls, now)
        self._set(self._polled_after)
        if wait > 0:
            return None
        self._first = False
        passed, self._passed = self._passed, 0
        return SamplingInfo(mode="adaptive", rate=None, calls_since_previous=passed)
