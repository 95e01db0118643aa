"""When the rounds so far suffice for a verdict, and which one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from application_sdk.monitoring.analysis.regressions.mean_test import mean_p_value
from application_sdk.monitoring.analysis.regressions.rank_tests import (
    lower_p_value,
    rank_p_value,
    ratio_estimate,
    strata,
)

Finding = Literal["slower", "faster", "same"]

LEAST_ROUNDS = 6
"""With fewer rounds no ordering at all is unlikely enough."""

ROUNDS_TO_CONFIRM = 4
"""An independent run is asked only about what the search has found, so it needs less."""

ALPHA = 0.01
ALPHA_TO_CONFIRM = 0.025
_MEAN_ALPHA = 0.002
_MEAN_ROUNDS = 20


@dataclass(frozen=True)
class Evidence:
    """What two interleaved series say about the candidate's ratio to the baseline.

    Three findings are possible, each a test against its opposite: ``slower`` by more than
    the threshold, ``faster`` by more than it, ``same`` when both are ruled out. The effect floor
    is inside the hypothesis, so a tiny difference is never a finding however certain it is.

    Attributes:
        baseline: Costs of the baseline, one for each round.
        candidate: Costs of the candidate in the same rounds.
        threshold: The fraction by which the candidate may differ.
        alpha: The level of the tests.
        least_rounds: With fewer there is no finding.
    """

    baseline: Sequence[float]
    candidate: Sequence[float]
    threshold: float
    alpha: float = ALPHA
    least_rounds: int = LEAST_ROUNDS

    def typical(self) -> Finding | None:
        """What is certain about the typical call; None when nothing is yet."""
        if len(self.baseline) < self.least_rounds:
            return None
        groups = strata(self.baseline, self.candidate)
        above, below = 1.0 + self.threshold, 1.0 / (1.0 + self.threshold)
        if rank_p_value(groups, above) < self.alpha:
            return "slower"
        if lower_p_value(groups, below) < self.alpha:
            return "faster"
        if lower_p_value(groups, above) < self.alpha and rank_p_value(groups, below) < self.alpha:
            return "same"
        return None

    def mean(self) -> Finding | None:
        """``slower`` or ``same`` (not slower) when that is certain about the mean, else None."""
        if len(self.baseline) < _MEAN_ROUNDS:
            return None
        above = 1.0 + self.threshold
        if mean_p_value(self.baseline, self.candidate, above) < _MEAN_ALPHA:
            return "slower"
        if mean_p_value(self.candidate, self.baseline, 1.0 / above) < self.alpha:
            return "same"
        return None

    def best_guess(self) -> Finding | None:
        """The finding when time is up, from an estimate beyond the threshold.

        At least half of the threshold must be certain. Call it once, on a series that will not
        grow: it is more willing than ``typical``.
        """
        certain = self.typical()
        if certain is not None or len(self.baseline) < self.least_rounds:
            return certain
        groups = strata(self.baseline, self.candidate)
        ratio = ratio_estimate(groups)
        above, half = 1.0 + self.threshold, 1.0 + self.threshold / 2
        if ratio > above and rank_p_value(groups, half) < self.alpha:
            return "slower"
        if ratio < 1.0 / above and lower_p_value(groups, 1.0 / half) < self.alpha:
            return "faster"
        return None
