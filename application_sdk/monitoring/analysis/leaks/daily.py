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
_MOST_JUMP = 0.5
_JUMP_WINDOWS = 3


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
    gains = sorted(hours[i] - hours[i + _HOURS_PER_DAY] for i in range(_HOURS))
    typical = median(gains)
    if typical < max(_LEAST_BYTES, _LEAST_SHARE * hours[0]):
        return None
    if gains[1] < _LEAST_OF_MEDIAN * typical or gains[-2] > _MOST_OF_MEDIAN * typical:
        return None
    if _jumps(floors) > _MOST_JUMP * typical:
        return None
    return typical / _HOURS_PER_DAY


def _jumps(floors: Sequence[float]) -> float:
    """The largest rise within a few windows, between yesterday's stretch and today's."""
    last = len(floors) - (_HOURS - _MARGIN_HOURS) * WINDOWS_PER_HOUR
    first = len(floors) - WINDOWS_PER_DAY - _MARGIN_HOURS * WINDOWS_PER_HOUR
    return max(floors[i] - floors[i - _JUMP_WINDOWS] for i in range(first, last))
