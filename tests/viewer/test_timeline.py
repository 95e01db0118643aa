"""The curve of resident memory on a page, however many readings there are."""

from __future__ import annotations

from application_sdk.monitoring.renderers.html.trees import timeline
from tests.interchange.builders import both_halves, profile_of


def with_readings(readings: tuple[tuple[float, int], ...]) -> list[list[float]]:
    profile = both_halves()
    assert profile.memory is not None
    memory = profile.memory.model_copy(update={"timeline": readings})
    return timeline(profile.model_copy(update={"memory": memory}))


def test_a_short_series_is_shown_as_it_is_in_milliseconds() -> None:
    assert with_readings(((0.0, 10), (0.5, 30))) == [[0.0, 500.0], [10, 30]]


def test_without_memory_the_series_is_empty() -> None:
    assert timeline(profile_of()) == [[], []]


def test_a_long_series_is_thinned_and_keeps_its_single_peak_and_dip_in_order() -> None:
    readings = [(float(second), 1000 + second % 3) for second in range(50_000)]
    readings[12_345] = (12_345.0, 9_999)
    readings[40_001] = (40_001.0, 1)
    times, values = with_readings(tuple(readings))
    assert len(times) == len(values) <= 2_000
    assert times == sorted(times)
    assert values[times.index(12_345_000.0)] == max(values) == 9_999
    assert values[times.index(40_001_000.0)] == min(values) == 1
