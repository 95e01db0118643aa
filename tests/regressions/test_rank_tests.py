"""The statistics against published or computed-by-hand values."""

from __future__ import annotations

import math
import random

import pytest

from application_sdk.monitoring.analysis.regressions.false_discovery import discoveries
from application_sdk.monitoring.analysis.regressions.mean_test import (
    mean_p_value,
    mean_ratio_interval,
)
from application_sdk.monitoring.analysis.regressions.rank_tests import (
    bootstrap_interval,
    lower_p_value,
    normal_tail,
    rank_p_value,
    ratio_estimate,
    strata,
)


def test_the_normal_tail_has_its_tabled_values() -> None:
    assert normal_tail(0.0) == 0.5
    assert normal_tail(1.6448536) == pytest.approx(0.05, abs=1e-6)
    assert normal_tail(-1.6448536) == pytest.approx(0.95, abs=1e-6)


def test_one_stratum_gives_the_ordinary_mann_whitney_p_value() -> None:
    # U = 20 of 25: z = (20 - 12.5 - 0.5) / sqrt(25 * 11 / 12) = 1.46220
    low, high = [1.0, 2.0, 3.0, 4.0, 7.0], [2.5, 5.0, 6.0, 8.0, 9.0]
    wins = sum(b > a for a in low for b in high)
    z = (wins - 12.5 - 0.5) / math.sqrt(25 * 11 / 12)
    assert rank_p_value([(low, high)], 1.0) == pytest.approx(normal_tail(z))


def test_ties_count_half_and_shrink_the_variance() -> None:
    # All values equal: nothing to rank, so no evidence either way.
    assert rank_p_value([([1.0] * 6, [1.0] * 6)], 1.0) == 1.0
    # Two levels, fully apart: variance 36/12 * (13 - 420/132), z = 17.5 / sqrt(29.4545).
    expected = normal_tail(17.5 / math.sqrt(36 / 12 * (13 - 420 / 132)))
    assert rank_p_value([([1.0] * 6, [2.0] * 6)], 1.0) == pytest.approx(expected)


def test_under_no_difference_the_p_value_is_rarely_small() -> None:
    chance = random.Random(5)
    small = 0
    for _ in range(2000):
        low = [chance.lognormvariate(0, 1) for _ in range(24)]
        high = [chance.lognormvariate(0, 1) for _ in range(24)]
        small += rank_p_value(strata(low, high), 1.0) < 0.01
    assert small <= 40


def test_drift_between_strata_does_not_hide_a_difference() -> None:
    chance = random.Random(6)
    mood = [1 + 3 * (index // 8 % 2) for index in range(48)]
    low = [m * chance.gauss(1.0, 0.02) for m in mood]
    high = [m * chance.gauss(1.1, 0.02) for m in mood]
    assert rank_p_value(strata(low, high), 1.05) < 1e-4
    assert ratio_estimate(strata(low, high)) == pytest.approx(1.1, abs=0.02)


def test_the_lower_test_is_the_mirror_of_the_upper_one() -> None:
    low, high = [1.0, 1.1, 1.2, 1.3], [2.0, 2.1, 2.2, 2.3]
    assert lower_p_value([(high, low)], 0.9) == pytest.approx(rank_p_value([(low, high)], 1 / 0.9))


@pytest.mark.slow
def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    chance = random.Random(7)
    covered = 0
    for _ in range(150):
        low = [chance.lognormvariate(0, 0.2) for _ in range(64)]
        high = [1.1 * chance.lognormvariate(0, 0.2) for _ in range(64)]
        first, last = bootstrap_interval(low, high)
        covered += first <= 1.1 <= last
    assert covered >= 130


def test_the_mean_test_sees_a_slow_mode_that_became_frequent() -> None:
    chance = random.Random(8)
    low = [10.0 if chance.random() < 0.1 else 1.0 for _ in range(2000)]
    high = [10.0 if chance.random() < 0.2 else 1.0 for _ in range(2000)]
    assert ratio_estimate(strata(low, high)) == pytest.approx(1.0)
    assert mean_p_value(low, high, 1.05) < 0.001
    first, last = mean_ratio_interval(low, high)
    assert first < 2.8 / 1.9 < last


def test_benjamini_and_hochbergs_own_example_rejects_four() -> None:
    # The 15 p-values of their paper's section 3.2, at q = 0.05.
    p_values = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
        0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000,
    ]  # fmt: skip
    assert discoveries(p_values, 0.05) == [True] * 4 + [False] * 11
    assert discoveries([], 0.05) == []
