"""A bounded sketch of many durations: any quantile within 1 %, in a few kilobytes."""

from __future__ import annotations

import math
from collections.abc import Mapping

_ACCURACY = 0.01
_GAMMA = (1 + _ACCURACY) / (1 - _ACCURACY)
_PER_LOG = 1 / math.log(_GAMMA)
_SHORTEST = 1e-9


class DurationSketch:
    """Counts durations in buckets whose bounds grow geometrically.

    A quantile is off by at most 1 % of its value. When more than ``max_buckets`` are in use the
    shortest are merged: what is lost first is the detail of the quick calls. Not thread-safe:
    the owner serialises ``add``.

    Source:
        C. Masson, J. E. Rim and H. K. Lee, "DDSketch", Proceedings of the VLDB Endowment 12
        (2019), 2195-2205.

    Args:
        max_buckets: The most buckets to keep; 512 span nanoseconds to hours on one machine.
    """

    __slots__ = ("_buckets", "_max_buckets", "count", "total")

    def __init__(self, max_buckets: int = 512) -> None:
        self.count = 0
        self.total = 0.0
        self._buckets: dict[int, int] = {}
        self._max_buckets = max_buckets

    def __len__(self) -> int:
        """Buckets in use."""
        return len(self._buckets)

    def add(self, seconds: float) -> None:
        """Count one duration; below a nanosecond it counts as one."""
        index = math.ceil(math.log(max(seconds, _SHORTEST)) * _PER_LOG)
        self._buckets[index] = self._buckets.get(index, 0) + 1
        self.count += 1
        self.total += seconds
        if len(self._buckets) > self._max_buckets:
            self._merge_shortest()

    def quantile(self, fraction: float) -> float | None:
        """The duration that ``fraction`` of the calls do not exceed; None without any."""
        rank = fraction * (self.count - 1)
        seen = 0
        for index in sorted(self._buckets):
            seen += self._buckets[index]
            if seen > rank:
                return 2 * _GAMMA**index / (_GAMMA + 1)
        return None

    def merge(self, other: DurationSketch) -> None:
        """Add all that another sketch has counted."""
        for index, count in other._buckets.items():
            self._buckets[index] = self._buckets.get(index, 0) + count
        self.count += other.count
        self.total += other.total
        while len(self._buckets) > self._max_buckets:
            self._merge_shortest()

    def to_dict(self) -> dict[str, object]:
        """The sketch as JSON can hold it."""
        buckets = {str(index): self._buckets[index] for index in sorted(self._buckets)}
        return {"buckets": buckets, "total_seconds": self.total}

    @classmethod
    def from_dict(cls, data: Mapping[str, object], max_buckets: int = 512) -> DurationSketch:
        """The sketch that ``to_dict`` wrote.

        Raises:
            ValueError: If the data is not that of a sketch.
        """
        buckets, total = data.get("buckets"), data.get("total_seconds")
        if not isinstance(buckets, Mapping) or not isinstance(total, (int, float)):
            # What is wrong is the value of a file, whatever the types in it.
            raise ValueError("a duration sketch has 'buckets' and 'total_seconds'")  # noqa: TRY004
        sketch = cls(max_buckets)
        for index, count in buckets.items():
            if not isinstance(count, int) or count < 1:
                raise ValueError(f"bucket {index} of a duration sketch counts {count!r}")
            sketch._buckets[int(index)] = count
            sketch.count += count
        sketch.total = float(total)
        while len(sketch) > max_buckets:
            sketch._merge_shortest()
        return sketch

    def _merge_shortest(self) -> None:
        first, second = sorted(self._buckets)[:2]
        self._buckets[second] += self._buckets.pop(first)
