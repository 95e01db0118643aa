"""Is a stretch of memory floors a steady rise? Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from application_sdk.monitoring.analysis.leaks.floors import WINDOWS_PER_HOUR, low, parts_of

_MOST_POINTS = 30
_JUMP_NOISE = 1.5
_BEND_NOISE = 0.4
_STRAIGHT = 0.02


@dataclass(frozen=True, slots=True)
class Strictness:
    """What is asked of a rise.

    Attributes:
        parts: Into how many parts a stretch is cut, each of which has to rise.
        least_bytes: The smallest growth between the first and the last part.
        least_share: The same, as a share of the level.
        least_part: Each part's share of an equal part of the growth.
        signal: Growth over the spread of what the trend leaves unexplained.
        most_jump: The largest single step's share of the growth.
        most_bend: How far the middle may lie above the straight line, over the growth.
    """

    parts: int
    least_bytes: float
    least_share: float
    least_part: float
    signal: float
    most_jump: float
    most_bend: float


def rises_throughout(rolled: Sequence[float], asked: Strictness) -> bool:
    """Whether each part of a stretch lies above the one before. Cheap.

    Args:
        rolled: Rolling floors of consecutive windows.
        asked: How strict to be.
    """
    lows = [low(part) for part in parts_of(rolled, asked.parts)]
    growth = lows[-1] - lows[0]
    if growth < max(asked.least_bytes, asked.least_share * lows[-1]):
        return False
    least = asked.least_part * growth / (asked.parts - 1)
    return all(after - before >= least for before, after in pairwise(lows))


def steady_rate(rolled: Sequence[float], asked: Strictness) -> float | None:
    """The growth in bytes per hour, None where it is no straight line.

    Args:
        rolled: Rolling floors of consecutive windows.
        asked: How strict to be.
    """
    group = max(1, math.ceil(len(rolled) / _MOST_POINTS))
    points = [min(rolled[i : i + group]) for i in range(0, len(rolled) - group + 1, group)]
    count = len(points)
    slope = median(
        (points[j] - points[i]) / (j - i) for i in range(count) for j in range(i + 1, count)
    )
    growth = slope * (count - 1)
    if growth <= 0 or growth < asked.signal * _spread(points, slope):
        return None
    noise = _noise(points)
    if max(after - before for before, after in pairwise(rolled)) > (
        asked.most_jump * min(growth, points[-1] - points[0]) + _JUMP_NOISE * noise
    ):
        return None
    if _bend(points) > asked.most_bend * growth + _BEND_NOISE * noise and not _straight_lately(
        points, noise
    ):
        return None
    return slope / group * WINDOWS_PER_HOUR


def _spread(points: Sequence[float], slope: float) -> float:
    """The standard deviation of what the straight line leaves."""
    left = [point - slope * index for index, point in enumerate(points)]
    middle = fmean(left)
    return math.sqrt(sum((value - middle) ** 2 for value in left) / max(1, len(points) - 2))


def _noise(points: Sequence[float]) -> float:
    """The spread of single points, whatever the curve that they follow."""
    second = [c - 2 * b + a for a, b, c in zip(points, points[1:], points[2:], strict=False)]
    return math.sqrt(sum(value * value for value in second) / (6 * max(1, len(second))))


def _bend(points: Sequence[float]) -> float:
    """How far the middle lies above the straight line: growth that fades bends upwards."""
    size = max(1, len(points) // 3)
    size -= (len(points) - size) % 2 and size > 1  # so that the middle third is in the middle
    start = (len(points) - size) // 2
    middle = fmean(points[start : start + size])
    return middle - (fmean(points[:size]) + fmean(points[-size:])) / 2


def _straight_lately(points: Sequence[float], noise: float) -> bool:
    """Whether the second half is surely straight: a warm-up is over, and growth goes on."""
    half = points[len(points) // 2 :]
    growth = half[-1] - half[0]
    return max(_bend(half), 0.0) + noise < _STRAIGHT * growth
