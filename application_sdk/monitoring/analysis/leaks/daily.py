"""Growth under a daily cycle: each hour compared with the same hour of the day before."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from application_sdk.monitoring.analysis.leaks.floors import WINDOWS_PER_DAY, WINDOWS_PER_HOUR

_HOURS = 17
_WARM_UP_HOURS = 3
_MARGIN_HOURS = 2
_HOURS_PER_DAY = 24
LEAST_WINDOWS = (_HOURS_PER_DAY + _HOURS + _WARM_UP_HOURS) * WINDOWS_PER_HOUR

_LEAST_BYTES = 48 * 2**20
_LEAST_SHARE = 0.03
_LEAST_OF_MEDIAN = 0.5
_MOST_OF_MEDIAN = 1.7
_LEAST_LATELY = 0.7
_THIRD = _HOURS // 3
_MOST_JUMP = 0.65
_JUMP_WINDOWS = 3
_FEW_JUMPS = 3
_CYCLE_SHARE = 0.15


def growth_by_day(floors: Sequence[float]) -> float | None:
    """The growth in bytes per hour over a day, None where some hours have not grown.

    A wave that only swings higher leaves its quiet hours where they were, and a single jump
    is looked for in the one stretch of the series where it could pass for growth.

    Args:
        floors: Floors of all windows known, oldest first.
    """
    if len(floors) < LEAST_WINDOWS:
        return None
    hours = [
        min(floors[end - WINDOWS_PER_HOUR : end])
        for end in range(
            len(floors), len(floors) - (_HOURS_PER_DAY + _HOURS) * WINDOWS_PER_HOUR, -4
        )
    ]
    gains = [hours[i] - hours[i + _HOURS_PER_DAY] for i in range(_HOURS)]
    typical = median(gains)
    if typical < max(_LEAST_BYTES, _LEAST_SHARE * hours[0]):
        return None
    if median(gains[:_THIRD]) < _LEAST_LATELY * median(gains[-_THIRD:]):
        return None  # it fades
    gains.sort()
    if gains[1] < _LEAST_OF_MEDIAN * typical or gains[-2] > _MOST_OF_MEDIAN * typical:
        return None
    # Steep hours are natural in a cycle; without one, a few jumps must not be all there is.
    if _deepest_fall(hours) > _CYCLE_SHARE * typical:
        last = len(floors) - (_HOURS - _MARGIN_HOURS) * WINDOWS_PER_HOUR
        first = len(floors) - WINDOWS_PER_DAY - _MARGIN_HOURS * WINDOWS_PER_HOUR
        jumps = _largest_rises(floors[first - _JUMP_WINDOWS : last], 1)
    else:
        jumps = _largest_rises(floors[-len(hours) * WINDOWS_PER_HOUR :], _FEW_JUMPS)
    return typical / _HOURS_PER_DAY if jumps <= _MOST_JUMP * typical else None


def _deepest_fall(hours: Sequence[float]) -> float:
    """The deepest fall from any level to a later one, newest first."""
    lowest, deepest = hours[0], 0.0
    for level in hours:
        lowest = min(lowest, level)
        deepest = max(deepest, level - lowest)
    return deepest


def _largest_rises(floors: Sequence[float], count: int) -> float:
    """The sum of the largest rises that do not overlap."""
    rises = sorted(
        ((floors[i] - floors[i - _JUMP_WINDOWS], i) for i in range(_JUMP_WINDOWS, len(floors))),
        reverse=True,
    )
    taken: list[int] = []
    total = 0.0
    for rise, at in rises:
        if len(taken) == count:
            break
        if all(abs(at - other) >= _JUMP_WINDOWS for other in taken):
            taken.append(at)
            total += rise
    return total
