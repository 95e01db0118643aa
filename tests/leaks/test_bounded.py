"""What may only be filling up: containers that say how much they may hold."""

from __future__ import annotations

import functools
import time
from collections import deque

import pytest

from application_sdk.monitoring import check_leaks
from application_sdk.monitoring.analysis.leaks.bounded import BoundedContainers


def test_a_bounded_container_that_gains_is_filling_until_it_was_full_at_the_mark() -> None:
    ring: deque[int] = deque(maxlen=100)
    containers = BoundedContainers()
    ring.extend(range(60))
    filling = containers.filling(60)
    assert filling is not None
    assert (filling.size, filling.limit, filling.calls_left) == (60, 100, 40)
    assert str(filling).startswith("a deque with a bound still fills up: it holds 60 of at most")
    containers.mark()
    assert containers.filling(60) is None
    ring.extend(range(60))
    filled = containers.filling(60)
    assert filled is not None
    assert (filled.size, filled.calls_left) == (100, 0)
    containers.mark()
    ring.extend(range(60))
    assert containers.filling(60) is None


def test_a_cache_made_later_is_seen_and_named_and_an_unbounded_one_is_not() -> None:
    containers = BoundedContainers()

    @functools.lru_cache(maxsize=500)
    def described(number: int) -> str:
        return str(number)

    @functools.cache
    def kept(number: int) -> str:
        return str(number)

    for number in range(400):
        described(number)
        kept(number)
    filling = containers.filling(400)
    assert filling is not None
    assert "the lru_cache of test_a_cache_made_later" in filling.name
    assert (filling.size, filling.limit) == (400, 500)
    del described
    containers.mark()
    assert containers.filling(400) is None


@pytest.mark.slow
@pytest.mark.alone
def test_there_is_no_verdict_while_a_large_ring_fills_up() -> None:
    ring: deque[bytes] = deque(maxlen=900_000)

    def slow() -> None:
        time.sleep(0.0003)
        ring.append(bytes(200))

    report = check_leaks(slow, max_seconds=30.0)
    assert report.verdict == "inconclusive"
    assert "a deque with a bound still fills up" in report.explanation


@pytest.mark.slow
def test_a_leak_beside_a_ring_that_is_full_is_found() -> None:
    ring: deque[bytes] = deque(maxlen=200)
    kept: list[bytes] = []

    def leaks() -> None:
        ring.append(bytes(200))
        kept.append(bytes(300))

    report = check_leaks(leaks)
    assert report.verdict == "leak"
    assert report.sites[0].function == "leaks"
