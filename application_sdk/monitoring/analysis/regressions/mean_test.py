"""Whether the mean moved although the typical call did not: a slow mode met more often."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, variance

from application_sdk.monitoring.analysis.regressions.rank_tests import normal_tail

_RESAMPLES = 800
_MOST_BLOCKS = 120


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


def mean_ratio_interval(
    baseline: Sequence[float], candidate: Sequence[float], level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of the candidate's mean / the baseline's mean.

    Source:
        B. Efron, Annals of Statistics 7 (1979), 1-26; blocks as in ``bootstrap_interval``.
    """
    count = min(len(baseline), _MOST_BLOCKS)
    edges = [round(index * len(baseline) / count) for index in range(count + 1)]
    blocks = [(sum(baseline[a:b]), sum(candidate[a:b])) for a, b in pairwise(edges)]
    generator = random.Random(len(baseline))
    ratios = []
    for _ in range(_RESAMPLES):
        chosen = generator.choices(blocks, k=count)
        ratios.append(sum(high for _, high in chosen) / sum(low for low, _ in chosen))
    ratios.sort()
    tail = int((1.0 - level) / 2 * _RESAMPLES)
    return ratios[tail], ratios[-1 - tail]
