"""How the sequential comparison decides, on series whose truth is known and without real time."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from application_sdk.monitoring.analysis.regressions.clock import Reading, costs
from application_sdk.monitoring.analysis.regressions.interleaving import Interleaving, Outcome


class FakeSide:
    """Work whose cost is drawn at random, on a clock that only such work moves."""

    def __init__(self, clock: list[float], draw: Callable[[], float]) -> None:
        self._clock = clock
        self._draw = draw

    def measure(self) -> Reading:
        cost = self._draw()
        self._clock[0] += max(cost, 0.005)
        return Reading(wall=cost, cpu=cost, waited=0.0)


def decide(
    baseline: Callable[[], float], candidate: Callable[[], float], seconds: float = 60.0
) -> Outcome:
    clock = [0.0]
    sides = (FakeSide(clock, baseline), FakeSide(clock, candidate))
    outcome = Interleaving(*sides, 0.05, seconds, now=lambda: clock[0]).decide()
    assert clock[0] <= seconds + 0.5
    return outcome


def noisy(chance: random.Random, size: float) -> Callable[[], float]:
    return lambda: size * chance.lognormvariate(0.0, 0.05)


def heavy(chance: random.Random, size: float) -> Callable[[], float]:
    return lambda: size * min(50.0, chance.paretovariate(2.0))


def bimodal(chance: random.Random, size: float) -> Callable[[], float]:
    return lambda: size * (1.0 if chance.random() < 0.5 else 3.0) * chance.gauss(1.0, 0.01)


@pytest.mark.parametrize("shape", [noisy, heavy, bimodal])
@pytest.mark.parametrize(
    ("ratio", "finding"),
    [(1.0, "same"), (1.1, "slower"), (1.15, "slower"), (1.3, "slower"), (0.85, "faster")],
)
def test_the_finding_is_the_truth_in_every_trial(
    shape: Callable[[random.Random, float], Callable[[], float]], ratio: float, finding: str
) -> None:
    for seed in range(12):
        chance = random.Random(seed)
        outcome = decide(shape(chance, 0.005), shape(chance, 0.005 * ratio))
        assert outcome.finding == finding, (seed, outcome.reason)
        assert outcome.confirmed > 0 or finding == "same"


@pytest.mark.parametrize("shape", [noisy, bimodal])
def test_three_percent_is_never_slower_than_five_percent(
    shape: Callable[[random.Random, float], Callable[[], float]],
) -> None:
    for seed in range(25):
        chance = random.Random(seed)
        assert decide(shape(chance, 0.005), shape(chance, 0.00515)).finding in ("same", None)


def test_a_clear_answer_takes_a_fraction_of_the_time() -> None:
    clock = [0.0]
    chance = random.Random(1)
    sides = (FakeSide(clock, noisy(chance, 0.01)), FakeSide(clock, noisy(chance, 0.02)))
    assert Interleaving(*sides, 0.05, 60.0, now=lambda: clock[0]).decide().finding == "slower"
    assert clock[0] < 2.0


def test_too_little_time_for_enough_rounds_is_inconclusive_and_says_so() -> None:
    outcome = decide(lambda: 10.0, lambda: 20.0)
    assert outcome.finding is None
    assert "raise max_seconds" in outcome.reason


def test_a_difference_that_the_second_run_does_not_show_is_no_finding() -> None:
    calls = [0]

    def candidate() -> float:
        calls[0] += 1
        return 0.02 if calls[0] <= 8 else 0.01

    outcome = decide(lambda: 0.01, candidate)
    assert outcome.finding in ("same", None)


def test_more_frequent_slow_calls_are_found_by_the_mean() -> None:
    chance = random.Random(3)
    outcome = decide(
        lambda: 0.03 if chance.random() < 0.1 else 0.01,
        lambda: 0.03 if chance.random() < 0.3 else 0.01,
    )
    assert (outcome.finding, outcome.by_mean) == ("slower", True)


def test_without_kernel_help_work_that_waits_is_measured_by_the_wall() -> None:
    waiting = [Reading(wall=1.0, cpu=0.1, waited=None)] * 4
    burning = [Reading(wall=1.0, cpu=0.99, waited=None)] * 3 + [Reading(3.0, 0.99, None)]
    assert costs(burning, waiting)[2] == "wall time"
    assert costs(burning, burning) == ([0.99] * 4, [0.99] * 4, "CPU time")
