"""Measuring two sides in turn, A B B A, as long as the question needs and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from application_sdk.monitoring.analysis.regressions.clock import Reading, costs
from application_sdk.monitoring.analysis.regressions.decision import (
    ALPHA,
    ALPHA_TO_CONFIRM,
    LEAST_ROUNDS,
    ROUNDS_TO_CONFIRM,
    Evidence,
    Finding,
)

_MAIN_SHARE = 0.6
_MEAN_SHARE = 0.3
_GROWTH = 1.3
_LEAST_SECONDS = 0.25


class Side(Protocol):
    """One of the two things compared."""

    def measure(self) -> Reading:
        """Do the work once more and say what it cost."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What a finished measurement found.

    Attributes:
        finding: None when the evidence does not suffice.
        by_mean: The finding is about the mean: the typical call did not change.
        baseline: All costs of the baseline, in the order of the rounds.
        candidate: All costs of the candidate.
        confirmed: Rounds of the independent confirming run; 0 when none was needed.
        clock: What a cost is, in words.
        reason: Why there is no finding; empty when there is one.
    """

    finding: Finding | None
    by_mean: bool
    baseline: list[float]
    candidate: list[float]
    confirmed: int
    clock: str
    reason: str = ""


@dataclass
class _Rounds:
    alpha: float = ALPHA
    least: int = LEAST_ROUNDS
    baseline: list[Reading] = field(default_factory=list)
    candidate: list[Reading] = field(default_factory=list)

    def evidence(self, threshold: float) -> Evidence:
        low, high, _ = costs(self.baseline, self.candidate)
        return Evidence(low, high, threshold, self.alpha, self.least)


class Interleaving:
    """Decides between two sides within a time limit.

    Args:
        baseline: The side that is the standard.
        candidate: The side in question.
        threshold: The fraction by which the candidate may differ.
        deadline: When measuring must be over, on the clock ``now``.
        now: The clock, in seconds.
    """

    def __init__(
        self,
        baseline: Side,
        candidate: Side,
        threshold: float,
        deadline: float,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._sides = (baseline, candidate)
        self._threshold = threshold
        self._deadline = deadline
        self._now = now
        self._longest_round = 0.0
        self._baseline_first = True

    def decide(self) -> Outcome:
        """Measure until it is certain; a difference must show again in an independent run."""
        begun = self._now()
        limit = self._deadline - begun
        main = _Rounds()
        finding, by_mean = self._run(main, begun + limit * _MAIN_SHARE, begun + limit * _MEAN_SHARE)
        if finding not in ("slower", "faster"):
            return self._outcome(finding, False, [main], self._why_open(main))
        confirming = _Rounds(ALPHA_TO_CONFIRM, ROUNDS_TO_CONFIRM)
        if by_mean:
            again = self._confirm_mean(confirming)
        else:
            again, _ = self._run(confirming, self._deadline, None)
        if again == finding:
            return self._outcome(finding, by_mean, [main, confirming], "")
        # The confirming run was not chosen for what it shows, so "same" there is the truth.
        reason = "a difference beyond the threshold was not confirmed by an independent run"
        if len(confirming.baseline) < ROUNDS_TO_CONFIRM:
            reason = "the time did not suffice to confirm a difference; raise max_seconds"
        settled: Finding | None = "same" if again == "same" else None
        return self._outcome(settled, False, [main, confirming], "" if settled else reason)

    def _run(
        self, rounds: _Rounds, deadline: float, mean_until: float | None
    ) -> tuple[Finding | None, bool]:
        """Add rounds until something is certain; says so, and whether it is about the mean."""
        begun = self._now()
        look_at = rounds.least
        while self._fits(deadline, rounds):
            self._one_round(rounds)
            if len(rounds.baseline) < look_at or self._now() - begun < _LEAST_SECONDS:
                continue
            look_at = max(look_at + 1, int(len(rounds.baseline) * _GROWTH))
            evidence = rounds.evidence(self._threshold)
            typical = evidence.typical()
            if typical in ("slower", "faster") or (typical == "same" and mean_until is None):
                return typical, False
            if typical == "same":
                mean = evidence.mean()
                if mean == "slower":
                    return "slower", True
                if mean == "same" or self._now() > (mean_until or 0.0):
                    return "same", False
        if not rounds.baseline:
            return None, False
        return rounds.evidence(self._threshold).best_guess(), False

    def _confirm_mean(self, rounds: _Rounds) -> Finding | None:
        look_at = LEAST_ROUNDS
        while self._fits(self._deadline, rounds):
            self._one_round(rounds)
            if len(rounds.baseline) >= look_at:
                look_at = int(len(rounds.baseline) * _GROWTH) + 1
                mean = rounds.evidence(self._threshold).mean()
                if mean is not None:
                    return mean
        return None

    def _fits(self, deadline: float, rounds: _Rounds) -> bool:
        # The first rounds may use all the time there is: without them there is no verdict.
        if len(rounds.baseline) < rounds.least:
            deadline = self._deadline
        return self._now() + self._longest_round <= deadline

    def _one_round(self, rounds: _Rounds) -> None:
        begun = self._now()
        order = (0, 1) if self._baseline_first else (1, 0)
        self._baseline_first = not self._baseline_first
        into: Sequence[list[Reading]] = (rounds.baseline, rounds.candidate)
        for side in order:
            into[side].append(self._sides[side].measure())
        self._longest_round = max(self._longest_round * 0.9, self._now() - begun)

    def _why_open(self, rounds: _Rounds) -> str:
        count = len(rounds.baseline)
        if count < LEAST_ROUNDS:
            return (
                f"only {count} of at least {LEAST_ROUNDS} rounds fitted into the time; "
                "raise max_seconds or compare less work"
            )
        return f"{count} rounds vary too much to tell; raise max_seconds or the threshold"

    def _outcome(
        self, finding: Finding | None, by_mean: bool, parts: Sequence[_Rounds], reason: str
    ) -> Outcome:
        low, high, clock = costs(
            [reading for part in parts for reading in part.baseline],
            [reading for part in parts for reading in part.candidate],
        )
        confirmed = len(parts[1].baseline) if len(parts) > 1 else 0
        return Outcome(finding, by_mean, low, high, confirmed, clock, "" if finding else reason)
