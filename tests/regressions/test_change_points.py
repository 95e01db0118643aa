"""Changes of the level in series of runs that are made up, so that the truth is known."""

from __future__ import annotations

import random

import pytest

from application_sdk.monitoring.analysis.regressions.change_points import change_points


def noisy(*levels: tuple[int, float], seed: int = 1, noise: float = 0.02) -> list[float]:
    chance = random.Random(seed)
    return [level * chance.gauss(1.0, noise) for count, level in levels for _ in range(count)]


def indices(values: list[float], **options: float) -> list[int]:
    return [change.index for change in change_points(values, **options)]


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 7, [1.0] * 50, [0.0] * 20])
def test_a_short_or_constant_series_has_no_change(values: list[float]) -> None:
    assert change_points(values) == []


def test_noise_alone_is_hardly_ever_a_change() -> None:
    found = [seed for seed in range(30) if indices(noisy((40, 1.0), seed=seed, noise=0.05))]
    assert len(found) <= 1


def test_a_step_is_found_at_its_run_with_both_levels() -> None:
    extra = 0
    for seed in range(8):
        changes = change_points(noisy((20, 1.0), (15, 1.2), seed=seed))
        step = min(changes, key=lambda change: abs(change.index - 20))
        assert abs(step.index - 20) <= 1
        assert step.before == pytest.approx(1.0, rel=0.03)
        assert step.after == pytest.approx(1.2, rel=0.03)
        extra += len(changes) - 1
    assert extra <= 1


def test_several_steps_are_found_in_their_order() -> None:
    assert indices(noisy((15, 1.0), (15, 1.5), (15, 1.1))) == [15, 30]


def test_one_outlier_is_no_change() -> None:
    values = noisy((30, 1.0))
    values[17] = 40.0
    assert indices(values) == []


def test_heavy_tails_do_not_hide_a_step() -> None:
    chance = random.Random(3)
    values = [
        level * (1.0 + 0.02 * chance.paretovariate(1.5)) for level in (1.0, 1.4) for _ in range(20)
    ]
    (change,) = change_points(values)
    assert abs(change.index - 20) <= 1


def test_a_certain_but_tiny_step_does_not_matter_unless_asked_for() -> None:
    values = noisy((20, 1.0), (20, 1.01), noise=0.0005)
    assert indices(values) == []
    assert indices(values, least_change=0.005) == [20]


def test_the_same_series_gives_the_same_answer() -> None:
    values = noisy((20, 1.0), (20, 1.05), noise=0.04)
    assert change_points(values) == change_points(values)
