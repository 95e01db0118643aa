"""What a long series of memory readings is kept as: the lowest reading of each window.

Work in progress raises memory and gives it back; what leaks is still there when the process
is quietest. So the floor of a window says more than its mean, and a few hundred floors
say all that days of readings can.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise

WINDOW_SECONDS = 900.0
PART_SECONDS = WINDOW_SECONDS / 5
WINDOWS_PER_HOUR = 4
WINDOWS_PER_DAY = 24 * WINDOWS_PER_HOUR
_ROLL = 5
MOST_WINDOWS = 52 * WINDOWS_PER_HOUR


class Floors:
    """The floor of each quarter of an hour, over the last two days and a bit.

    A window's floor is the second lowest of the lowest readings of its fifths: close to the
    lowest of all, and yet no single reading's.
    """

    def __init__(self) -> None:
        self._floors: deque[float] = deque(maxlen=MOST_WINDOWS)
        self._parts: list[float] = []
        self._lowest = math.inf
        self._part_ends = self._ends = -math.inf
        self.windows = 0

    def add(self, value: float, at: float) -> bool:
        """Take note of a reading.

        Args:
            value: Bytes.
            at: When, in seconds of any clock; a reading from before the window in progress
                counts for that window.

        Returns:
            Whether a window was completed by it.
        """
        if at < self._part_ends:
            if value < self._lowest:  # noqa: PLR1730 - half the time of min(), on every reading
                self._lowest = value
            return False
        if self._ends == -math.inf:
            self._ends = at
            self._begin(value, at)
            return False
        self._parts.append(self._lowest)
        if at < self._ends:
            self._lowest = value
            self._part_ends = min(self._ends, at + PART_SECONDS)
            return False
        floor = sorted(self._parts)[1 if len(self._parts) > 2 else 0]
        # Windows without a reading repeat the last floor: nothing is known to have changed.
        passed = 1 + int((at - self._ends) / WINDOW_SECONDS)
        self._floors.extend([floor] * min(passed, MOST_WINDOWS))
        self.windows += passed
        self._ends += (passed - 1) * WINDOW_SECONDS
        self._begin(value, at)
        return True

    def _begin(self, value: float, at: float) -> None:
        self._parts.clear()
        self._lowest = value
        self._ends += WINDOW_SECONDS
        self._part_ends = min(self._ends, at + PART_SECONDS)

    def values(self) -> list[float]:
        """The floors, oldest first."""
        return list(self._floors)


def rolling(floors: Sequence[float]) -> list[float]:
    """The lowest floor of each hour and a quarter: what the hour's own ups and downs leave."""
    return [min(floors[i : i + _ROLL]) for i in range(len(floors) - _ROLL + 1)]


def low(values: Sequence[float]) -> float:
    """The lower quartile: low, and yet no single reading's."""
    return sorted(values)[len(values) // 4]


def parts_of(values: Sequence[float], count: int) -> list[Sequence[float]]:
    """The values cut into parts of equal length, as nearly as may be."""
    borders = [len(values) * index // count for index in range(count + 1)]
    return [values[a:b] for a, b in pairwise(borders)]
