"""What functions show of a whole, and what to add where rounded columns would show something else."""

from __future__ import annotations

import math
from collections.abc import Sequence


class FunctionSums:
    """Adds values up by function: self, and total with a recursion counted once.

    Args:
        parents: Of each node of a tree in preorder.
        frames: Of each node.
    """

    def __init__(self, parents: Sequence[int], frames: Sequence[int]) -> None:
        self._parents, self._frames = parents, frames
        self._count = max(frames) + 1
        ends = list(range(1, len(parents) + 1))
        for node in range(len(parents) - 1, 0, -1):
            if (parent := parents[node]) >= 0 and ends[parent] < ends[node]:
                ends[parent] = ends[node]
        open_until = [0] * self._count
        # Each outermost call's node and frame.
        self._outermost: list[tuple[int, int]] = []
        for node, frame in enumerate(frames):
            if node >= open_until[frame]:
                open_until[frame] = ends[node]
                self._outermost.append((frame, node))

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
            wishes = [f"{one / whole:.1%}" for one in true]
            if any(f"{two / rounded:.1%}" != wish for two, wish in zip(told, wishes, strict=True)):
                found.append(frame)
                for one, two, wish in zip(true, told, wishes, strict=True):
                    found.append(_lacking(one / whole * rounded - two, two, rounded, wish))
        return found

    def _sums(self, values: Sequence[float]) -> list[tuple[float, float]]:
        own, total = [0.0] * self._count, [0.0] * self._count
        for frame, value in zip(self._frames, values, strict=True):
            own[frame] += value
        # In the order in which a call tree adds up: where a share lies between two tenths, the last
        # bit of a sum decides.
        totals = list(values)
        for node in range(len(totals) - 1, -1, -1):
            if (parent := self._parents[node]) >= 0:
                totals[parent] += totals[node]
        for frame, node in self._outermost:
            total[frame] += totals[node]
        return list(zip(own, total, strict=True))


def _lacking(lack: float, told: float, rounded: float, wish: str) -> float:
    """What to add to a sum so that its share shows as wished, written as short as will do."""
    nudge = math.copysign(0.01, lack)
    for short in (round(lack, 2), lack + nudge, lack):
        if f"{(told + short) / rounded:.1%}" == wish:
            break
    return short
