"""Robust slopes: Theil-Sen with a bound, and what else a block of readings tells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

Z_99 = 2.326
"""One-sided 99 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth per unit of ``x``, with its one-sided 99 % bounds.

    Attributes:
        value: The Theil-Sen slope.
        low: The lower bound.
        high: The upper bound.
    """

    value: float
    low: float
    high: float


def theil_sen(x: Sequence[float], y: Sequence[float]) -> Slope:
    """The median of all pairwise slopes, and Kendall's bounds of it.

    Args:
        x: Where the values were read, rising.
        y: The values; at least two.
    """
    count = len(x)
    slopes = sorted(
        (y[j] - y[i]) / (x[j] - x[i])
        for i in range(count)
        for j in range(i + 1, count)
        if x[j] != x[i]
    )
    spread = Z_99 * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, math.floor((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))
    return Slope(median(slopes), slopes[low], slopes[high])


@dataclass(frozen=True, slots=True)
class BlockTrend:
    """How the heap moved over one block of calls.

    Attributes:
        calls: Calls in the block.
        slope: Growth per call, with bounds.
        net: Growth per call between the first and the last quarter of the block.
        steady: Growth per call of the typical step between two readings: single jumps,
            as when a table is resized, do not count.
        jump_share: The largest step's share of all that was gained.
    """

    calls: int
    slope: Slope
    net: float
    steady: float
    jump_share: float


def block_trend(x: Sequence[float], y: Sequence[float]) -> BlockTrend:
    """Describe one block of readings.

    Args:
        x: Calls made before each reading.
        y: The readings; at least four.
    """
    quarter = max(1, len(x) // 4)
    span = median(x[-quarter:]) - median(x[:quarter])
    steps = [later - earlier for earlier, later in pairwise(y)]
    per_call = [
        step / (later - earlier) for step, earlier, later in zip(steps, x, x[1:], strict=False)
    ]
    gained = y[-1] - y[0]
    return BlockTrend(
        calls=int(x[-1] - x[0]),
        slope=theil_sen(x, y),
        net=(median(y[-quarter:]) - median(y[:quarter])) / span,
        steady=median(per_call),
        jump_share=max(steps) / gained if gained > 0 else 1.0,
    )
