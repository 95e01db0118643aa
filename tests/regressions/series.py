"""Made-up series of a function's durations, for the detector of shifts to judge."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

from application_sdk.monitoring.analysis.regressions.duration_shift import (
    DurationShift,
    DurationShiftDetector,
)

DAY = 86_400.0
Shape = Callable[[float, random.Random], float]
"""The duration of a call at a second since the series began."""


def steady(_: float, chance: random.Random) -> float:
    """Some noise."""
    return 0.1 * chance.lognormvariate(0, 0.3)


def heavy(_: float, chance: random.Random) -> float:
    """One call in a hundred is ten times as slow as the median."""
    return 0.1 * chance.lognormvariate(0, 1.0)


def no_mean(_: float, chance: random.Random) -> float:
    """A tail so heavy that the mean never settles."""
    return 0.05 * chance.paretovariate(1.1)


def two_modes(_: float, chance: random.Random) -> float:
    """A cache that half of the calls miss."""
    return (0.1 if chance.random() < 0.5 else 0.4) * chance.lognormvariate(0, 0.1)


def rare_misses(_: float, chance: random.Random) -> float:
    """A cache that one call in ten misses: the 90th percentile lies on the edge."""
    return (0.1 if chance.random() < 0.9 else 0.8) * chance.lognormvariate(0, 0.1)


def daily(second: float, chance: random.Random) -> float:
    """A third slower by day than by night, and a third faster at dawn."""
    return steady(second, chance) * (1 + 0.33 * math.sin(2 * math.pi * second / DAY))


def daily_mix(second: float, chance: random.Random) -> float:
    """Large requests come by day: their share goes from 5 % to 45 % and back."""
    share = 0.25 + 0.2 * math.sin(2 * math.pi * second / DAY)
    return (0.3 if chance.random() < share else 0.1) * chance.lognormvariate(0, 0.2)


def bursts(second: float, chance: random.Random) -> float:
    """Two minutes of each hour are five times as slow."""
    return steady(second, chance) * (5 if second % 3600 < 120 else 1)


def warming(second: float, chance: random.Random) -> float:
    """Slow at first."""
    return steady(second, chance) * (1 + 3 * math.exp(-second / 300))


def neighbour(second: float, chance: random.Random) -> float:
    """Somebody else's job makes each call a fifth slower for half of each hour."""
    return steady(second, chance) * (1.2 if second % 3600 < 1800 else 1)


CLEAN: dict[str, Shape] = {
    shape.__name__: shape
    for shape in (
        steady,
        heavy,
        no_mean,
        two_modes,
        rare_misses,
        daily,
        daily_mix,
        bursts,
        warming,
        neighbour,
    )
}


def told(
    shape: Shape,
    seed: int,
    seconds: float,
    *,
    factor: float = 1.0,
    at: float = 0.0,
    every: float = 2.0,
) -> Iterator[tuple[float, DurationShift]]:
    """When something is told of a series, and what.

    Args:
        shape: The series.
        seed: Which one of its kind.
        seconds: How long it is.
        factor: How many times as long calls take from ``at`` on.
        at: The second with which the slow-down begins.
        every: Seconds between two calls that are timed.
    """
    chance = random.Random(seed)
    detector = DurationShiftDetector()
    for number in range(int(seconds / every)):
        second = number * every
        duration = shape(second, chance) * (factor if second >= at else 1.0)
        shift = detector.observe(duration, second)
        if shift is not None:
            yield second, shift
