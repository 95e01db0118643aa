"""What a long series of memory readings is kept as: the lowest reading of each window.

Work in progress raises memory and gives it back; what leaks is still there when the process
is quietest. So the floor of a window says more than its mean, and a few hundred floors
say all that days of readings can.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

WINDOW_SECONDS = 900.0
WINDOWS_PER_HOUR = 4
WINDOWS_PER_DAY = 24 * WINDOWS_PER_HOUR
_ROLL = 5
MOST_WINDOWS = 52 * WINDOWS_PER_HOUR


class Floors:
    """The lowest reading of each quarter of an hour, over the last two days and a bit."""

    def __init__(self) -> None:
        self._floors: deque[float] = deque(maxlen=MOST_WINDOWS)
        self._lowest = 0.0
        self._ends = float("-inf")
        self._began = False
        self.windows = 0

    def add(self, value: float, at: float) -> bool:
        """Take note of a reading.

        Args:
            value: Bytes.
            at: When, in seconds of any clock that does not go back.

        Returns:
            Whether a window was completed by it.
        """
        if at < self._ends:
            self._lowest = min(self._lowest, value)
            return False
        if not self._began:
            self._began = True
            self._lowest = value
            self._ends = at + WINDOW_SECONDS
            return False
        # Windows without a reading repeat the last floor: nothing is known to have changed.
        passed = min(MOST_WINDOWS, 1 + int((at - self._ends) / WINDOW_SECONDS))
        self._floors.extend([self._lowest] * passed)
        self.windows += passed
        self._ends = max(self._ends + passed * WINDOW_SECONDS, at)
        self._lowest = value
        return True

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
