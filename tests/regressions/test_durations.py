"""The sketch of durations and the detector of sustained shifts."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Callable

import pytest

from application_sdk.monitoring.analysis.regressions.duration_shift import (
    DurationShift,
    DurationShiftDetector,
)
from application_sdk.monitoring.analysis.regressions.duration_sketch import DurationSketch
from tests.regressions.series import CLEAN, DAY, told


@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.9, 0.99, 1.0])
def test_every_quantile_is_within_one_percent(fraction: float) -> None:
    chance = random.Random(1)
    values = [chance.lognormvariate(-5, 2) for _ in range(20_000)]
    sketch = DurationSketch(max_buckets=4096)
    for value in values:
        sketch.add(value)
    exact = sorted(values)[int(fraction * (len(values) - 1))]
    assert sketch.quantile(fraction) == pytest.approx(exact, rel=0.0101)


def test_the_sketch_stays_bounded_and_keeps_the_slow_end() -> None:
    sketch = DurationSketch(max_buckets=100)
    for exponent in range(-900, 500):
        sketch.add(10 ** (exponent / 100))
    assert len(sketch) == 100
    assert sketch.count == 1400
    assert sketch.quantile(1.0) == pytest.approx(10**4.99, rel=0.0101)


def test_an_empty_sketch_has_no_quantile_and_zero_is_a_duration() -> None:
    sketch = DurationSketch()
    assert sketch.quantile(0.5) is None
    sketch.add(0.0)
    assert sketch.quantile(0.5) == pytest.approx(1e-9, rel=0.02)


def test_sketches_merge_and_survive_json() -> None:
    one, two = DurationSketch(), DurationSketch()
    for number in range(1, 500):
        one.add(number / 1000)
        two.add(number / 100)
    one.merge(two)
    again = DurationSketch.from_dict(json.loads(json.dumps(one.to_dict())))
    assert again.count == 998
    assert again.to_dict() == one.to_dict()


@pytest.mark.parametrize(
    "data", [{}, {"buckets": [], "total_seconds": 1}, {"buckets": {"1": -2}, "total_seconds": 1}]
)
def test_what_is_no_sketch_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="sketch"):
        DurationSketch.from_dict(data)


def events(
    duration: Callable[[int, random.Random], float],
    hours: float = 4.0,
    detector: DurationShiftDetector | None = None,
    seed: int = 1,
) -> list[DurationShift]:
    """What is told of a function called once a second."""
    chance = random.Random(seed)
    watching = detector or DurationShiftDetector()
    found = [
        watching.observe(duration(second, chance), float(second))
        for second in range(int(hours * 3600))
    ]
    return [event for event in found if event is not None]


def test_a_sustained_slow_down_is_told_once_with_its_ratio() -> None:
    found = events(lambda second, c: (0.15 if second > 7000 else 0.1) * c.lognormvariate(0, 0.3))
    assert len(found) == 1
    assert found[0].ratio == pytest.approx(1.5, rel=0.15)
    assert 6900 <= found[0].since <= 7200
    assert found[0].against == "past"


@pytest.mark.parametrize("seed", range(5))
def test_steady_noisy_and_bimodal_functions_are_left_alone(seed: int) -> None:
    assert events(lambda _, c: 0.1 * c.lognormvariate(0, 1.0), seed=seed) == []
    assert events(lambda _, c: 0.1 if c.random() < 0.5 else 0.4, seed=seed) == []


def test_a_burst_and_a_few_slow_calls_are_no_shift() -> None:
    assert events(lambda second, _: 1.0 if 7000 < second < 7120 else 0.1) == []
    assert events(lambda second, _: 5.0 if second % 100 == 0 else 0.1) == []


def test_becoming_faster_is_no_event() -> None:
    assert events(lambda second, _: 0.05 if second > 7000 else 0.1) == []


def test_a_slower_tail_alone_is_told_at_its_quantile() -> None:
    found = events(lambda second, c: 0.5 if c.random() < (0.3 if second > 7000 else 0.02) else 0.1)
    assert [event.quantile for event in found] == [0.9]


def test_a_loaded_baseline_is_what_counts_when_there_is_one() -> None:
    good = DurationSketch()
    for _ in range(100):
        good.add(0.1)
    found = events(lambda *_: 0.2, hours=0.5, detector=DurationShiftDetector(good))
    assert [event.against for event in found] == ["baseline"]
    assert found[0].ratio == pytest.approx(2.0, rel=0.03)


def test_memory_stays_bounded_over_many_calls() -> None:
    detector = DurationShiftDetector(window_seconds=1.0)
    chance = random.Random(2)
    for second in range(50_000):
        detector.observe(chance.lognormvariate(-3, 2), second / 10)
    tracemalloc.start()
    try:
        for second in range(50_000, 100_000):
            detector.observe(chance.lognormvariate(-3, 2), second / 10)
        assert tracemalloc.get_traced_memory()[0] < 200_000
    finally:
        tracemalloc.stop()


def test_the_end_of_a_slow_down_is_told_and_the_next_one_is_told_again() -> None:
    def duration(second: int, chance: random.Random) -> float:
        slow = 7000 < second < 12000 or second > 17000
        return (0.2 if slow else 0.1) * chance.lognormvariate(0, 0.3)

    found = events(duration, hours=6)
    assert [event.verdict for event in found] == ["slower", "recovered", "slower"]
    assert found[1].ratio == pytest.approx(0.5, rel=0.15)
    assert 11900 <= found[1].since <= 12200


def test_after_the_end_a_loaded_baseline_counts_again() -> None:
    good = DurationSketch()
    for _ in range(100):
        good.add(0.1)
    found = events(
        lambda second, _: 0.2 if second < 1000 or second > 3000 else 0.1,
        hours=1.5,
        detector=DurationShiftDetector(good),
    )
    assert [(event.verdict, event.against) for event in found] == [
        ("slower", "baseline"),
        ("recovered", "baseline"),
        ("slower", "baseline"),
    ]


@pytest.mark.parametrize("name", sorted(CLEAN))
def test_no_made_up_series_without_a_slow_down_is_told_of_within_a_day(name: str) -> None:
    assert [shift for _, shift in told(CLEAN[name], seed=0, seconds=DAY)] == []


@pytest.mark.parametrize("factor", [1.5, 2.0])
@pytest.mark.parametrize("name", sorted(CLEAN.keys() - {"heavy", "no_mean"}))
def test_half_as_slow_again_is_told_after_five_minutes(name: str, factor: float) -> None:
    began = 3 * 3600.0
    found = list(told(CLEAN[name], 0, began + 1800, factor=factor, at=began))
    assert [shift.verdict for _, shift in found] == ["slower"]
    assert 240 <= found[0][0] - began <= 360


def test_a_heavy_tail_needs_more_calls() -> None:
    began = 3600.0
    found = list(told(CLEAN["heavy"], 0, began + 1800, factor=2.0, at=began, every=0.2))
    assert [shift.verdict for _, shift in found] == ["slower"]
