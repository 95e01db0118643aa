"""LeakTrend tells a leak from warm-ups, sawtooths and daily cycles, in time and at no cost."""

from __future__ import annotations

import json
import math
import time
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pytest

from application_sdk.monitoring import LeakTrend, LeakVerdict, MonitoringError
from tests.leaks.series import CLEAN, DAILY, LEAKING, LEAKING_DAILY, Shape, readings

MIB = 2**20
LIMIT = 8 * 2**30
RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.json"))

QUICK_SEEDS = range(2)
SLOW_SEEDS = range(2, 40)

Verdicts = list[tuple[float, LeakVerdict]]


def verdicts(series: Iterable[tuple[float, float]], limit: float = LIMIT) -> Verdicts:
    trend = LeakTrend(limit)
    return [
        (at / 3600, verdict)
        for value, at in series
        if (verdict := trend.observe(value, at)) is not None
    ]


def times(found: Verdicts, kind: str) -> list[float]:
    return [hour for hour, verdict in found if verdict.verdict == kind]


def each(table: dict[str, Shape]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("shape", table.values(), ids=table)


@each(CLEAN)
def test_a_clean_process_raises_no_suspicion(shape: Shape) -> None:
    assert [verdicts(readings(shape, seed, 48)) for seed in QUICK_SEEDS] == [[]] * len(QUICK_SEEDS)


@each(DAILY)
def test_a_daily_wave_is_never_confirmed(shape: Shape) -> None:
    for seed in QUICK_SEEDS:
        assert times(verdicts(readings(shape, seed, 48)), "confirmed") == []


@each(LEAKING)
def test_ten_megabytes_an_hour_are_suspected_in_6_and_confirmed_in_24_hours(shape: Shape) -> None:
    for seed in QUICK_SEEDS:
        found = verdicts(readings(shape, seed, 24))
        assert times(found, "suspected")[0] <= 6
        assert times(found, "confirmed")[0] <= 24


@each(LEAKING_DAILY)
def test_a_leak_below_a_daily_cycle_is_confirmed_in_48_hours(shape: Shape) -> None:
    for seed in QUICK_SEEDS:
        assert times(verdicts(readings(shape, seed, 48)), "confirmed")[0] <= 48


@pytest.mark.slow
def test_at_most_one_in_a_hundred_clean_processes_is_suspected() -> None:
    found = [
        (name, seed)
        for name, shape in CLEAN.items()
        for seed in SLOW_SEEDS
        if verdicts(readings(shape, seed, 48))
    ]
    assert len(found) <= 0.01 * len(CLEAN) * len(SLOW_SEEDS), found


@pytest.mark.slow
def test_no_daily_wave_of_many_is_confirmed() -> None:
    found = [
        (name, seed)
        for name, shape in DAILY.items()
        for seed in SLOW_SEEDS
        if times(verdicts(readings(shape, seed, 48)), "confirmed")
    ]
    assert found == []


@pytest.mark.slow
def test_nearly_every_leak_of_many_is_found_in_time() -> None:
    late = [
        (name, seed)
        for name, shape in LEAKING.items()
        for seed in SLOW_SEEDS
        if min(times(found := verdicts(readings(shape, seed, 24)), "suspected"), default=99) > 6
        or not times(found, "confirmed")
    ]
    assert len(late) <= 0.02 * len(LEAKING) * len(SLOW_SEEDS), late


@pytest.mark.parametrize("file", RECORDED, ids=[file.stem for file in RECORDED])
def test_recorded_workloads_played_back_as_a_day(file: Path) -> None:
    recording = json.loads(file.read_text(encoding="utf-8"))
    last = recording["series"][-1][0]
    series = [(kib * 1024.0, at / last * 23.9 * 3600) for at, kib in recording["series"]]
    found = [verdict.verdict for _, verdict in verdicts(series)]
    assert found == (["suspected", "confirmed"] if recording["leaks"] else [])


def test_the_verdict_tells_the_rate_and_the_time_that_is_left() -> None:
    series = [((300 + 10 * minute / 60) * MIB, minute * 60.0) for minute in range(24 * 60)]
    found = verdicts(series, limit=1000 * MIB)
    assert [verdict.verdict for _, verdict in found] == ["suspected", "confirmed"]
    hour, confirmed = found[-1]
    assert confirmed.bytes_per_hour == pytest.approx(10 * MIB, rel=0.02)
    assert confirmed.seconds_to_limit == pytest.approx(
        (1000 - 300 - 10 * hour) / 10 * 3600, rel=0.02
    )


def test_without_a_limit_the_time_left_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "application_sdk.monitoring.analysis.leaks.trend.memory_limit", lambda: None
    )
    trend = LeakTrend()
    found = [
        verdict
        for minute in range(8 * 60)
        if (verdict := trend.observe((300 + minute) * MIB, minute * 60.0)) is not None
    ]
    assert [(v.verdict, v.seconds_to_limit) for v in found] == [("suspected", None)]


@pytest.mark.parametrize("after_hours", [8.0, 26.0])
def test_it_is_cleared_once_when_growth_stops(after_hours: float) -> None:
    rising = min
    series = [
        ((300 + 10 * rising(minute / 60, after_hours)) * MIB, minute * 60.0)
        for minute in range(40 * 60)
    ]
    kinds = [verdict.verdict for _, verdict in verdicts(series)]
    assert kinds == (
        ["suspected", "cleared"] if after_hours < 20 else ["suspected", "confirmed", "cleared"]
    )


def test_it_is_cleared_when_memory_is_given_back() -> None:
    series = [
        ((300 + 10 * (minute / 60 if minute < 600 else 0)) * MIB, minute * 60.0)
        for minute in range(14 * 60)
    ]
    found = verdicts(series)
    assert [verdict.verdict for _, verdict in found] == ["suspected", "cleared"]
    assert found[1][0] < 13


def test_a_leak_that_goes_on_is_not_cleared_by_the_falling_half_of_a_daily_cycle() -> None:
    def cycle(hour: float) -> float:
        return (300 + 10 * hour + 100 * math.sin(2 * math.pi * hour / 24)) * MIB

    found = verdicts((cycle(minute / 60), minute * 60.0) for minute in range(5 * 24 * 60))
    confirmed = times(found, "confirmed")
    assert len(confirmed) == 1
    assert [hour for hour in times(found, "cleared") if hour > confirmed[0]] == []


def test_a_leak_that_fills_the_limit_within_hours_is_suspected_early() -> None:
    series = [((300 + 300 * minute / 60) * MIB, minute * 60.0) for minute in range(3 * 60)]
    found = verdicts(series, limit=1200 * MIB)
    assert times(found, "suspected")[0] < 2.6


def test_readings_at_any_interval_give_the_same_answer() -> None:
    shape = LEAKING["leaks"]
    for seconds in (1.0, 10.0, 300.0):
        found = verdicts(readings(shape, 1, 24, seconds, noise=1))
        assert times(found, "suspected")[0] <= 6
        assert times(found, "confirmed")[0] <= 24


def test_a_pause_of_days_without_readings_is_no_growth() -> None:
    trend = LeakTrend(LIMIT)
    assert trend.observe(300.0 * MIB, 0) is None
    found = [trend.observe(400.0 * MIB, 86_400.0 * 7 + 60 * minute) for minute in range(2_000)]
    assert set(found) == {None}


def test_observing_takes_no_longer_than_a_few_hundred_additions() -> None:
    # 2 microseconds where a hundred additions take 1.4; a busy machine slows both.
    series = list(readings(LEAKING_DAILY["follows_the_day_and_leaks"], 1, 48))

    def add(count: int) -> None:
        total = 0.0
        for _ in range(count):
            total += 1.0

    best = math.inf
    for _ in range(5):
        trend = LeakTrend(LIMIT)
        began = time.thread_time()
        for value, at in series:
            trend.observe(value, at)
        observed = time.thread_time()
        for _ in series:
            add(100)
        best = min(best, (observed - began) / (time.thread_time() - observed))
    assert best <= 3.5


def test_its_memory_does_not_grow_with_time() -> None:
    trend = LeakTrend(LIMIT)

    def feed(first_day: int, last_day: int) -> None:
        for minute in range(first_day * 1_440, last_day * 1_440):
            trend.observe(3e8 + minute * 1e3 % 1e6, minute * 60.0)

    feed(0, 4)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        feed(4, 30)
        assert tracemalloc.get_traced_memory()[0] - before < 20_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("limit", "error"),
    [
        (0, ValueError),
        (-1, ValueError),
        (math.nan, ValueError),
        (math.inf, ValueError),
        ("x", TypeError),
    ],
)
def test_a_limit_that_is_none_is_refused(limit: float, error: type[Exception]) -> None:
    with pytest.raises(error, match="limit_bytes") as caught:
        LeakTrend(limit)
    assert isinstance(caught.value, MonitoringError)


@pytest.mark.parametrize(
    ("value", "at", "error"),
    [
        (math.nan, 60.0, ValueError),
        (math.inf, 60.0, ValueError),
        (-1.0, 60.0, ValueError),
        (3e8, math.nan, ValueError),
        ("3e8", 60.0, TypeError),
        (3e8, None, TypeError),
    ],
)
def test_a_reading_that_is_none_is_refused_and_changes_nothing(
    value: float, at: float, error: type[Exception]
) -> None:
    series = [((300 + 10 * minute / 60) * MIB, minute * 60.0) for minute in range(24 * 60)]
    trend = LeakTrend(LIMIT)
    found = []
    for reading in series:
        with pytest.raises(error, match="observe") as caught:
            trend.observe(value, at)
        assert isinstance(caught.value, MonitoringError)
        if (verdict := trend.observe(*reading)) is not None:
            found.append((reading[1] / 3600, verdict))
    assert found == verdicts(series)
