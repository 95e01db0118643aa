"""What functions show of a whole, and what to add where rounded columns would show something else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


class FunctionSums:
    """Adds values up by function: self, and total with a recursion counted once.

    Args:
        parents: Of each node of a tree in preorder.
        frames: Of each node.
    """

    def __init__(self, parents: Sequence[int], frames: Sequence[int]) -> None:
        self._frames = frames
        self._count = max(frames) + 1
        ends = list(range(1, len(parents) + 1))
        for node in range(len(parents) - 1, 0, -1):
            if (parent := parents[node]) >= 0 and ends[parent] < ends[node]:
                ends[parent] = ends[node]
        open_until = [0] * self._count
        # First and last of each run of nodes below an outermost call, and its frame.
        self._outermost: list[tuple[int, int, int]] = []
        for node, frame in enumerate(frames):
            if node >= open_until[frame]:
                open_until[frame] = ends[node]
                self._outermost.append((frame, node, ends[node]))

    def corrections(self, exact: Sequence[float], steps: Sequence[int]) -> list[float]:
        """What to add to the self and total of functions, in steps.

        Args:
            exact: The values.
            steps: The same, rounded.

        Returns:
            Frame, self and total one after the other, for those functions only whose shares would
            differ in tenths of a hundredth.
        """
        whole, rounded = sum(exact), sum(steps)
        if not whole or not rounded:
            return []
        found: list[float] = []
        right, shown = self._sums(exact), self._sums(steps)
        for frame, (true, told) in enumerate(zip(right, shown, strict=True)):
            pairs = [(one / whole, two / rounded) for one, two in zip(true, told, strict=True)]
            if any(f"{one:.1%}" != f"{two:.1%}" for one, two in pairs):
                own, total = (round((one - two) * rounded, 2) for one, two in pairs)
                found += (frame, own, total)
        return found

    def _sums(self, values: Sequence[float]) -> list[tuple[float, float]]:
        own, total = [0.0] * self._count, [0.0] * self._count
        for frame, value in zip(self._frames, values, strict=True):
            own[frame] += value
        before = [0.0, *accumulate(values)]
        for frame, start, end in self._outermost:
            total[frame] += before[end] - before[start]
        return list(zip(own, total, strict=True))
