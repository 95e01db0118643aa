"""Is a stretch of memory floors a steady rise? Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from application_sdk.monitoring.analysis.leaks.floors import (
    WINDOWS_PER_HOUR,
    low,
    parts_of,
    rolling,
)

_MOST_POINTS = 30


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


def rises_throughout(floors: Sequence[float], asked: Strictness) -> bool:
    """Whether each part of a stretch lies above the one before. Cheap.

    Args:
        floors: Floors of consecutive windows.
        asked: How strict to be.
    """
    parts = parts_of(floors, asked.parts)
    lows = [low(part) for part in parts]
    growth = lows[-1] - lows[0]
    if growth < max(asked.least_bytes, asked.least_share * lows[-1]):
        return False
    least = asked.least_part * growth / (asked.parts - 1)
    return all(after - before >= least for before, after in pairwise(lows))


def steady_rate(floors: Sequence[float], asked: Strictness) -> float | None:
    """The growth in bytes per hour, None where it is no straight line.

    Args:
        floors: Floors of consecutive windows, of at least an hour.
        asked: How strict to be.
    """
    floors = rolling(floors)
    group = max(1, math.ceil(len(floors) / _MOST_POINTS))
    points = [min(floors[i : i + group]) for i in range(0, len(floors) - group + 1, group)]
    count = len(points)
    slope = median(
        (points[j] - points[i]) / (j - i) for i in range(count) for j in range(i + 1, count)
    )
    growth = slope * (count - 1)
    if growth <= 0:
        return None
    left = [point - slope * index for index, point in enumerate(points)]
    middle = fmean(left)
    left = [value - middle for value in left]
    spread = math.sqrt(sum(value * value for value in left) / max(1, count - 2))
    if growth < asked.signal * spread:
        return None
    if _bend(points) > asked.most_bend * growth + 0.7 * spread * math.sqrt(6 / count):
        return None
    if max(after - before for before, after in pairwise(floors)) > asked.most_jump * growth:
        return None
    return slope / group * WINDOWS_PER_HOUR


def _bend(points: Sequence[float]) -> float:
    first, mid, last = (fmean(part) for part in parts_of(points, 3))
    return mid - (first + last) / 2
