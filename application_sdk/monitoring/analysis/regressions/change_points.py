"""Where a series of runs changes its level.

The method is E-divisive: split the series where the energy distance between the two parts is
largest, keep the split when reordering the runs by chance hardly ever gives one as large, and go
on in both parts. It asks for no distribution, so heavy tails and a single outlier do not matter.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

LEAST_RUNS = 4
"""Fewer runs on one side are no level yet."""

_ALPHA = 0.005
_REORDERINGS = 399
_LEAST_CHANGE = 0.02


@dataclass(frozen=True)
class ChangePoint:
    """One change of the level.

    Attributes:
        index: The first run of the new level.
        before: The median of the level that ends there.
        after: The median of the level that begins there.
    """

    index: int
    before: float
    after: float


class _Split(NamedTuple):
    at: int
    distance: float


def change_points(
    values: Sequence[float], *, least_change: float = _LEAST_CHANGE
) -> list[ChangePoint]:
    """The changes of a series, in its order; the same series always gives the same answer.

    Each is certain at 0.5 % and of at least ``least_change``.

    Args:
        values: One value a run, oldest first.
        least_change: The fraction of the level below which a change does not matter.
    """
    if len(values) < 2 * LEAST_RUNS:
        return []
    chance = random.Random(0)
    bounds = _large_enough(values, _bounds(values, 0, chance), least_change)
    levels = [median(values[start:end]) for start, end in _spans(bounds, len(values))]
    return [
        ChangePoint(index, before, after)
        for index, (before, after) in zip(bounds, pairwise(levels), strict=True)
    ]


def _bounds(values: Sequence[float], offset: int, chance: random.Random) -> list[int]:
    found = _best_split(values)
    if found is None or not _is_certain(values, found.distance, chance):
        return []
    return [
        *_bounds(values[: found.at], offset, chance),
        offset + found.at,
        *_bounds(values[found.at :], offset + found.at, chance),
    ]


def _is_certain(values: Sequence[float], distance: float, chance: random.Random) -> bool:
    """Whether chance orders give a split as good in at most one of two hundred cases."""
    allowed = int(_ALPHA * (_REORDERINGS + 1)) - 1
    order = list(values)
    as_good = 0
    for _ in range(_REORDERINGS):
        chance.shuffle(order)
        best = _best_split(order)
        # Equal up to rounding is as good: sums of the same numbers differ with their order.
        if best is not None and best.distance >= distance * (1.0 - 1e-9):
            as_good += 1
            if as_good > allowed:
                return False
    return True


def _best_split(values: Sequence[float]) -> _Split | None:
    """The split into parts that differ most, by the scaled energy distance."""
    count = len(values)
    if count < 2 * LEAST_RUNS:
        return None
    total = sum(abs(a - b) for i, a in enumerate(values) for b in values[:i])
    left, right = 0.0, total  # the sums of distances within each part
    best: _Split | None = None
    for index in range(1, count - LEAST_RUNS + 1):
        moved = values[index - 1]
        left += sum(abs(moved - other) for other in values[: index - 1])
        right -= sum(abs(moved - other) for other in values[index:])
        if index < LEAST_RUNS:
            continue
        m, n = index, count - index
        between = total - left - right
        energy = 2 * between / (m * n) - 2 * left / (m * (m - 1)) - 2 * right / (n * (n - 1))
        scaled = energy * m * n / (m + n)
        if best is None or scaled > best.distance:
            best = _Split(index, scaled)
    # Equal values differ in nothing, however they are ordered.
    return best if best is not None and best.distance > 0.0 else None


def _large_enough(values: Sequence[float], bounds: list[int], least: float) -> list[int]:
    """The bounds without those of too small a change, smallest first: levels then join."""
    kept = list(bounds)
    while kept:
        levels = [median(values[start:end]) for start, end in _spans(kept, len(values))]
        sizes = [
            abs(after - before) / abs(before) if before else float("inf")
            for before, after in pairwise(levels)
        ]
        smallest = min(range(len(kept)), key=sizes.__getitem__)
        if sizes[smallest] >= least:
            break
        del kept[smallest]
    return kept


def _spans(bounds: Sequence[int], count: int) -> Iterator[tuple[int, int]]:
    yield from zip([0, *bounds], [*bounds, count], strict=True)
