"""The ledger tells what monitoring has cost lately and in all, and stays small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from application_sdk.monitoring import configure, flamegraph, flush
from application_sdk.monitoring.engine.budget import budget
from application_sdk.monitoring.engine.ledger import WINDOW_SECONDS, Ledger
from application_sdk.monitoring.model.spend import OTHER_FUNCTIONS


class Clock:
    def __init__(self) -> None:
        self.now = 1_003.0

    def __call__(self) -> float:
        return self.now


class Calls:
    def __init__(self, calls: int) -> None:
        self.calls = calls


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Ledger(clock)


def test_what_was_spent_is_told_by_kind_and_as_a_share_of_the_time(
    ledger: Ledger, clock: Clock
) -> None:
    ledger.spend("calls", 0.25)
    ledger.spend("writing", 0.5)
    clock.now += 15
    ledger.spend("writing", 0.25)
    lately, in_all = ledger.periods()
    assert lately.costs == {"calls": 0.25, "writing": 0.75}
    assert (lately.seconds, lately.cost_seconds, lately.share) == (15, 1.0, 1.0 / 15)
    assert in_all == lately


def test_the_window_forgets_and_the_whole_does_not(ledger: Ledger, clock: Clock) -> None:
    ledger.spend("calls", 1.0)
    clock.now += WINDOW_SECONDS - 20
    ledger.spend("calls", 0.5)
    assert ledger.periods()[0].cost_seconds == 1.5
    clock.now += 30
    lately, in_all = ledger.periods()
    assert lately.cost_seconds == 0.5
    assert WINDOW_SECONDS - 10 <= lately.seconds <= WINDOW_SECONDS
    assert in_all.cost_seconds == 1.5
    clock.now += 10 * WINDOW_SECONDS
    lately, in_all = ledger.periods()
    assert (lately.cost_seconds, lately.share, lately.functions) == (0, 0, ())
    assert in_all.cost_seconds == 1.5


def test_a_ledger_of_this_moment_has_no_share_yet(ledger: Ledger) -> None:
    assert ledger.periods()[0].share == 0


def test_the_costliest_functions_come_first(ledger: Ledger) -> None:
    for name, cost in (("cheap", 0.1), ("dear", 2.0), ("cheap", 0.1)):
        ledger.profiled(name, cost, 10)
    functions = ledger.periods()[0].functions
    assert [(f.name, f.profiled_calls, f.calls) for f in functions] == [
        ("dear", 1, 10),
        ("cheap", 2, 20),
    ]


def test_calls_since_the_last_profile_count_in_all(ledger: Ledger) -> None:
    counter = Calls(7)
    ledger.profiled("load", 0.1, 1, counter)
    counter.calls = 50
    lately, in_all = ledger.periods()
    assert (lately.calls, in_all.calls, in_all.functions[0].calls) == (1, 50, 50)


def test_a_forked_child_counts_its_own_calls_only(clock: Clock) -> None:
    ledger = Ledger(clock, forked=True)
    counter = Calls(1_000)
    ledger.profiled("load", 0.1, 3, counter)
    counter.calls += 4
    assert ledger.periods()[1].calls == 7


def test_any_number_of_functions_is_bounded(ledger: Ledger, clock: Clock) -> None:
    counters = [Calls(n) for n in range(1_000)]
    for place, counter in enumerate(counters):
        ledger.profiled(f"function_{place}", 1.0, 1, counter)
    lately, in_all = ledger.periods()
    assert lately.profiled_calls == in_all.profiled_calls == 1_000
    assert len(in_all.functions) == 10
    assert in_all.functions[0].name == OTHER_FUNCTIONS
    assert in_all.functions[0].cost_seconds == 800


@pytest.fixture
def _fresh() -> Iterator[None]:
    budget.ledger = Ledger()
    yield
    budget.ledger = Ledger()


@pytest.mark.usefixtures("_fresh")
def test_a_profiled_call_is_accounted_for_by_kind_and_by_function(tmp_path: Path) -> None:
    configure(output_dir=tmp_path, formats="json")
    before = budget.spent_seconds

    @flamegraph(name="load", sample_rate=1)
    def load() -> None:
        """Does nothing."""

    load()
    load()
    assert flush(30)
    _, in_all = budget.ledger.periods()
    assert in_all.costs["calls"] > 0
    assert in_all.costs["writing"] > 0
    assert in_all.cost_seconds == pytest.approx(budget.spent_seconds - before)
    (function,) = in_all.functions
    assert (function.name, function.profiled_calls, function.calls) == ("load", 2, 2)
    assert 0 < function.cost_seconds <= in_all.cost_seconds
