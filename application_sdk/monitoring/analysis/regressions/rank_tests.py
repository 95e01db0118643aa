"""Rank tests on interleaved rounds: is the candidate more than a factor slower?

All functions take two equally long series, ``baseline[i]`` measured right beside
``candidate[i]``. Rounds that stand close in time form a stratum, and only values of one stratum
are ever compared: what a noisy machine does over seconds then cancels out.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

STRATUM = 8
"""Rounds in one stratum: short beside a machine's moods, long enough for ranks to bite."""

_RESAMPLES = 800
_GRID = 96
_MOST_BLOCKS = 120

Stratum = tuple[list[float], list[float]]


def strata(
    baseline: Sequence[float], candidate: Sequence[float], size: int = STRATUM
) -> list[Stratum]:
    """Cut the rounds into consecutive strata of about ``size`` rounds, each side sorted."""
    count = max(1, len(baseline) // size)
    edges = [round(index * len(baseline) / count) for index in range(count + 1)]
    return [(sorted(baseline[a:b]), sorted(candidate[a:b])) for a, b in pairwise(edges)]


def rank_p_value(groups: Sequence[Stratum], factor: float) -> float:
    """One-sided p-value against "the candidate costs at most ``factor`` times the baseline".

    The Mann-Whitney statistic of each stratum, summed with weights 1 / (N + 1). The baseline is
    multiplied by the factor first, so a small value is evidence for an effect **above** it.

    Sources:
        H. B. Mann and D. R. Whitney, Annals of Mathematical Statistics 18 (1947), 50-60;
        P. van Elteren, Bulletin of the International Statistical Institute 37 (1960), 351-361
        for the strata; the variance under ties after Lehmann, *Nonparametrics* (1975), 1.4.
    """
    excess = variance = correction = 0.0
    for low, high in groups:
        count = len(low)
        weight = 1.0 / (2 * count + 1)
        scaled = [value * factor for value in low]
        excess += weight * (_wins(scaled, high) - count * count / 2)
        variance += weight * weight * _variance(scaled, high)
        correction = max(correction, weight / 2)
    if variance <= 0.0:
        return 1.0
    return normal_tail((excess - correction) / math.sqrt(variance))


def lower_p_value(groups: Sequence[Stratum], factor: float) -> float:
    """One-sided p-value against "the candidate costs at least ``factor`` times the baseline"."""
    return rank_p_value([(high, low) for low, high in groups], 1.0 / factor)


def ratio_estimate(groups: Sequence[Stratum]) -> float:
    """The factor at which the two sides rank alike: the typical candidate / baseline.

    The Hodges-Lehmann estimate on a log scale, found by inverting the stratified rank test.

    Source:
        J. L. Hodges and E. L. Lehmann, Annals of Mathematical Statistics 34 (1963), 598-611.
    """

    def surplus(log_factor: float) -> float:
        return sum(_surplus(group, math.exp(log_factor)) for group in groups)

    lowest = min(math.log(high[0] / low[-1]) for low, high in groups) - 1e-9
    highest = max(math.log(high[-1] / low[0]) for low, high in groups) + 1e-9
    # The surplus falls in steps: the estimate is the middle of the step that crosses zero.
    above = _last_where(lambda x: surplus(x) > 0.0, lowest, highest)
    below = _last_where(lambda x: surplus(x) >= 0.0, lowest, highest)
    return math.exp((above + below) / 2)


def bootstrap_interval(
    baseline: Sequence[float], candidate: Sequence[float], level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of the typical candidate / baseline.

    Whole strata are drawn, so neighbouring rounds that share a mood of the machine stay together.
    Each stratum's surplus is tabled over a grid of factors once; a resample is a sum of rows.

    Sources:
        B. Efron, Annals of Statistics 7 (1979), 1-26; blocks after H. R. Kuensch, Annals of
        Statistics 17 (1989), 1217-1241.
    """
    rounds = len(baseline)
    groups = strata(baseline, candidate, max(1, min(STRATUM, rounds // 12)))
    centre = math.log(ratio_estimate(groups))
    spread = _spread(groups, centre)
    grid = [centre + spread * (2 * step / (_GRID - 1) - 1) for step in range(_GRID)]
    factors = [math.exp(x) for x in grid]
    table = [
        [sum(column) for column in zip(*rows, strict=True)]
        for rows in _parts([[_surplus(group, f) for f in factors] for group in groups])
    ]
    generator = random.Random(rounds)
    estimates = []
    for _ in range(_RESAMPLES):
        chosen = generator.choices(table, k=len(table))
        low, high = 0, _GRID
        while low < high:
            middle = (low + high) // 2
            if sum(row[middle] for row in chosen) > 0.0:
                low = middle + 1
            else:
                high = middle
        left, right = grid[max(0, low - 1)], grid[min(_GRID - 1, low)]
        estimates.append((left + right) / 2)
    estimates.sort()
    tail = (1.0 - level) / 2
    first = estimates[int(tail * _RESAMPLES)]
    last = estimates[min(_RESAMPLES - 1, math.ceil((1.0 - tail) * _RESAMPLES))]
    return math.exp(first), math.exp(last)


def normal_tail(z: float) -> float:
    """Probability that a standard normal variable exceeds ``z``."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def _wins(low: Sequence[float], high: Sequence[float]) -> float:
    """Mann-Whitney's U of ``high`` over the sorted ``low``; a tie is half a win."""
    return 0.5 * sum(bisect_left(low, value) + bisect_right(low, value) for value in high)


def _surplus(group: Stratum, factor: float) -> float:
    low, high = group
    count = len(low)
    return (_wins([value * factor for value in low], high) - count * count / 2) / (2 * count + 1)


def _variance(low: Sequence[float], high: Sequence[float]) -> float:
    count = len(low)
    total = 2 * count
    ties = sum(t**3 - t for t in Counter([*low, *high]).values() if t > 1)
    return count * count / 12 * (total + 1 - ties / (total * (total - 1)))


def _last_where(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The largest x with ``holds(x)``, for a predicate that is true below and false above."""
    while high - low > 1e-6:
        middle = (low + high) / 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _parts(rows: list[list[float]]) -> list[list[list[float]]]:
    """At most ``_MOST_BLOCKS`` runs of consecutive rows: more would cost time and tell no more."""
    count = min(len(rows), _MOST_BLOCKS)
    edges = [round(index * len(rows) / count) for index in range(count + 1)]
    return [rows[a:b] for a, b in pairwise(edges)]


def _spread(groups: Sequence[Stratum], centre: float) -> float:
    """How far from the centre the strata's own estimates lie: the grid must hold them all."""
    own = [abs(math.log(ratio_estimate([group])) - centre) for group in groups]
    return max(own) * 1.02 + 1e-5
