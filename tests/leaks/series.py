"""Memory of processes over days, made up: what leaks, and what only looks like it.

Each shape is a function of the hours since the start; it draws its own sizes and phases
from the random generator that it is given. Values are in MiB.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

Series = Callable[[float], float]
Shape = Callable[[random.Random], Series]

LEAK_PER_HOUR = 10.0

CLEAN: dict[str, Shape] = {}
DAILY: dict[str, Shape] = {}
LEAKING: dict[str, Shape] = {}
LEAKING_DAILY: dict[str, Shape] = {}


def _in(table: dict[str, Shape]) -> Callable[[Shape], Shape]:
    def add(shape: Shape) -> Shape:
        table[shape.__name__] = shape
        return shape

    return add


def readings(
    shape: Shape, seed: int, hours: float, seconds: float = 60.0, noise: float | None = None
) -> Iterator[tuple[float, float]]:
    """Bytes and seconds of a process with some noise on each reading."""
    rng = random.Random(f"{shape.__name__} {seed}")
    spread = rng.choice((0.5, 1, 2, 4)) if noise is None else noise
    series = shape(rng)
    for index in range(int(hours * 3600 / seconds) + 1):
        hour = index * seconds / 3600
        yield (series(hour) + rng.gauss(0, spread)) * 2**20, index * seconds


@_in(CLEAN)
def flat(rng: random.Random) -> Series:
    level = rng.choice((120, 400, 3000))
    return lambda hour: level


@_in(CLEAN)
def warms_up(rng: random.Random) -> Series:
    size, hours = rng.choice((50, 200, 600)), rng.uniform(0.1, 1.0)
    return lambda hour: 150 + size * (1 - math.exp(-hour / hours))


@_in(CLEAN)
def loads_caches_in_three_waves(rng: random.Random) -> Series:
    starts = sorted(rng.uniform(0, 2) for _ in range(3))
    return lambda hour: 200 + sum(80 * min(1, max(0, hour - start) * 3) for start in starts)


@_in(CLEAN)
def collects_garbage_in_a_sawtooth(rng: random.Random) -> Series:
    size, period = rng.choice((50, 150, 400)), rng.choice((0.05, 0.25, 0.5, 1, 2, 3))
    return lambda hour: 300 + size * ((hour / period) % 1)


@_in(CLEAN)
def has_spikes(rng: random.Random) -> Series:
    size = rng.choice((100, 500))
    return lambda hour: 300 + (size * rng.random() if rng.random() < 0.15 else 0)


@_in(CLEAN)
def jumps_once(rng: random.Random) -> Series:
    size, at = rng.choice((40, 150, 400)), rng.uniform(1, 40)
    return lambda hour: 300 + (size if hour > at else 0)


@_in(CLEAN)
def runs_a_job_every_hour(rng: random.Random) -> Series:
    size, share = rng.choice((100, 400)), rng.uniform(0.2, 0.7)
    return lambda hour: 300 + (size if hour % 1 < share else 0)


@_in(CLEAN)
def runs_jobs_at_random(rng: random.Random) -> Series:
    size = rng.choice((100, 300))
    jobs = []
    at = rng.uniform(0, 2)
    while at < 50:
        length = rng.uniform(0.1, 1.5)
        jobs.append((at, at + length))
        at += length + rng.uniform(0.3, 3)
    return lambda hour: 300 + (size if any(a < hour < b for a, b in jobs) else 0)


@_in(CLEAN)
def shrinks(rng: random.Random) -> Series:
    rate = rng.uniform(1, 8)
    return lambda hour: 900 - rate * hour


@_in(CLEAN)
def drifts_around_its_level(rng: random.Random) -> Series:
    state = {"hour": 0.0, "value": 0.0}
    relax = rng.uniform(0.1, 0.5)

    def series(hour: float) -> float:
        keep = math.exp(-(hour - state["hour"]) / relax)
        state["value"] = keep * state["value"] + rng.gauss(0, 15 * math.sqrt(1 - keep * keep))
        state["hour"] = hour
        return 400 + state["value"]

    return series


@_in(CLEAN)
def reaches_new_peaks_ever_more_rarely(rng: random.Random) -> Series:
    state = {"peak": 0.0}

    def series(_hour: float) -> float:
        state["peak"] = max(state["peak"], abs(rng.gauss(0, 20)))
        return 300 + state["peak"]

    return series


@_in(CLEAN)
def fragments_a_little_more_with_each_day(rng: random.Random) -> Series:
    return lambda hour: 500 + 12 * math.log1p(hour * 20)


@_in(DAILY)
def follows_the_day(rng: random.Random) -> Series:
    size, phase = rng.choice((60, 200, 600)), rng.uniform(0, 24)
    return lambda hour: 500 + size * (1 - math.cos(math.tau * (hour + phase) / 24)) / 2


@_in(DAILY)
def follows_office_hours(rng: random.Random) -> Series:
    size, phase = rng.choice((60, 200, 600)), rng.uniform(0, 24)

    def series(hour: float) -> float:
        clock = (hour + phase) % 24
        return 500 + (size * math.sin(math.pi * (clock - 8) / 12) if 8 < clock < 20 else 0)

    return series


@_in(DAILY)
def swings_higher_every_day(rng: random.Random) -> Series:
    size, phase = rng.choice((60, 200, 600)), rng.uniform(0, 24)
    return lambda hour: (
        500 + size * (0.3 + hour / 24) * (1 - math.cos(math.tau * (hour + phase) / 24)) / 2
    )


@_in(DAILY)
def is_on_by_day_and_off_by_night(rng: random.Random) -> Series:
    size, phase = rng.choice((60, 200, 600)), rng.uniform(0, 24)
    return lambda hour: 500 + (size if 8 < (hour + phase) % 24 < 20 else 0)


@_in(LEAKING)
def leaks(rng: random.Random) -> Series:
    level = rng.choice((150, 500, 1500))
    return lambda hour: level + LEAK_PER_HOUR * hour


@_in(LEAKING)
def leaks_after_a_warm_up(rng: random.Random) -> Series:
    size, hours = rng.choice((50, 200)), rng.uniform(0.1, 0.4)
    return lambda hour: 150 + size * (1 - math.exp(-hour / hours)) + LEAK_PER_HOUR * hour


@_in(LEAKING)
def leaks_below_spikes(rng: random.Random) -> Series:
    busy = has_spikes(rng)
    return lambda hour: busy(hour) + LEAK_PER_HOUR * hour


@_in(LEAKING)
def leaks_below_a_sawtooth(rng: random.Random) -> Series:
    size, period = rng.choice((30, 60)), rng.choice((0.05, 0.1, 0.25))
    return lambda hour: 300 + size * ((hour / period) % 1) + LEAK_PER_HOUR * hour


@_in(LEAKING)
def leaks_once_in_a_quarter_of_an_hour(rng: random.Random) -> Series:
    phase = rng.random()
    return lambda hour: 300 + LEAK_PER_HOUR / 4 * math.floor(hour * 4 + phase)


def _also_leaks(shape: Shape) -> Shape:
    def leaking(rng: random.Random) -> Series:
        series = shape(rng)
        return lambda hour: series(hour) + LEAK_PER_HOUR * hour

    leaking.__name__ = f"{shape.__name__}_and_leaks"
    return leaking


for _shape in (follows_the_day, follows_office_hours):
    _in(LEAKING_DAILY)(_also_leaks(_shape))
