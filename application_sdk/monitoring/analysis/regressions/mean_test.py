"""Whether the mean moved although the typical call did not: a slow mode met more often."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance

from application_sdk.monitoring.analysis.regressions.rank_tests import normal_tail


def mean_p_value(baseline: Sequence[float], candidate: Sequence[float], factor: float) -> float:
    """One-sided p-value against "the candidate's mean is at most ``factor`` times the baseline's".

    Welch's statistic of ``mean(candidate) - factor * mean(baseline)``. A rare huge value raises
    its own standard error, so heavy tails make the test timid, not trigger-happy.

    Sources:
        B. L. Welch, Biometrika 34 (1947), 28-35; the ratio as a linear contrast after E. C.
        Fieller, Journal of the Royal Statistical Society B 16 (1954), 175-185.
    """
    gap = fmean(candidate) - factor * fmean(baseline)
    error = math.sqrt(
        variance(candidate) / len(candidate) + factor * factor * variance(baseline) / len(baseline)
    )
    if error == 0.0:
        return 0.0 if gap > 0.0 else 1.0
    return normal_tail(gap / error)
