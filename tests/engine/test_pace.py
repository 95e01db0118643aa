"""Ticks become rarer where each is dear."""

from __future__ import annotations

import pytest

from application_sdk.monitoring.pace import Pace

SHARE = 0.003
CREDIT = 0.003
TICK = 0.01


def begun() -> tuple[Pace, float]:
    """A pace that knows a first moment, and that moment; its thread has taken no CPU time."""
    pace = Pace()
    now = 1e9
    assert pace.pause(now, 0.0) == 0
    return pace, now


def ticks(pace: Pace, now: float, seconds: float, cost: float, interval: float = TICK) -> int:
    """How many ticks of a cost fit into some seconds."""
    pace.retune(interval)
    cpu, count, end = 0.0, 0, now + seconds
    while now < end:
        count += 1
        cpu += cost
        now += max(interval, pace.pause(now, cpu))
    return count


def test_cheap_ticks_come_as_often_as_they_were_asked_for() -> None:
    pace, now = begun()
    assert ticks(pace, now, 10, cost=27e-6) == pytest.approx(1000, abs=2)


@pytest.mark.parametrize("cost", [100e-6, 200e-6, 500e-6])
def test_dear_ticks_cost_a_share_of_the_time(cost: float) -> None:
    pace, now = begun()
    count = ticks(pace, now, 100, cost)
    assert count * cost == pytest.approx(100 * SHARE + CREDIT, rel=0.02)


def test_a_short_call_has_all_its_ticks_where_nothing_was_spent_before() -> None:
    pace, now = begun()
    assert ticks(pace, now, 0.3, cost=100e-6) == pytest.approx(30, abs=1)


def test_ticks_that_are_asked_for_more_often_may_cost_more() -> None:
    pace, now = begun()
    count = ticks(pace, now, 10, cost=27e-6, interval=0.001)
    assert count == pytest.approx(10_000, rel=0.01)


def test_one_long_step_is_not_followed_by_a_long_blindness() -> None:
    pace, now = begun()
    assert pace.pause(now, 30.0) == pytest.approx(0.25)
    assert pace.pause(now + 0.25, 30.0) == 0


def test_an_interval_of_no_time_is_allowed() -> None:
    pace, now = begun()
    pace.retune(0)
    assert pace.pause(now, 0.0) == 0
