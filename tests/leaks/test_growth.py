"""Does the heap grow with every call? On a heap and a clock that are made up."""

from __future__ import annotations

from collections.abc import Callable, Generator
from types import SimpleNamespace

import pytest

from application_sdk.monitoring.analysis.leaks import meter as meter_module
from application_sdk.monitoring.analysis.leaks.growth import Bounds, Growth, find_growth
from application_sdk.monitoring.analysis.leaks.meter import Meter
from application_sdk.monitoring.analysis.leaks.readings import HeapReader, Level
from application_sdk.monitoring.analysis.leaks.steps import Calls, Rest, Step

KEPT_BYTES = 1_000


class MadeUpHeap(HeapReader):
    """A heap of as many bytes as the test says."""

    def __init__(self) -> None:
        self.bytes = 0

    def read(self) -> Level:
        return Level(0, self.bytes)


class World:
    """What calls and rests do to the heap, each call taking a millisecond."""

    def __init__(
        self, on_call: Callable[[World], None], on_rest: Callable[[World], None] | None = None
    ) -> None:
        self.heap = MadeUpHeap()
        self.now = 0.0
        self.calls = 0
        self._on_call = on_call
        self._on_rest = on_rest or (lambda world: None)

    def drive(self, investigation: Generator[Step, None, Growth]) -> Growth:
        while True:
            try:
                step = next(investigation)
            except StopIteration as end:
                growth: Growth = end.value
                return growth
            if isinstance(step, Calls):
                for _ in range(step.count):
                    self.calls += 1
                    self._on_call(self)
                self.now += 0.001 * step.count
            elif isinstance(step, Rest):
                self._on_rest(self)
                self.now += step.seconds


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Growth, list[str]]]:
    def find(world: World, seconds: float = 60.0) -> tuple[Growth, list[str]]:
        monkeypatch.setattr(meter_module, "time", SimpleNamespace(perf_counter=lambda: world.now))
        told: list[str] = []
        bounds = Bounds(64, seconds, 64 << 30)
        return world.drive(find_growth(Meter(world.heap), bounds, told.append)), told

    return find


def keep(world: World) -> None:
    world.heap.bytes += KEPT_BYTES


def give_back_all(world: World) -> None:
    world.heap.bytes = 0


Find = Callable[..., tuple[Growth, list[str]]]


def test_a_heap_that_stays_flat_is_calm(found: Find) -> None:
    growth, _ = found(World(lambda world: None))
    assert growth.answer == "calm"
    assert not growth.held_for_a_while


def test_growth_that_rest_does_not_give_back_is_growing(found: Find) -> None:
    growth, told = found(World(keep))
    assert growth.answer == "growing"
    assert growth.blocks[-1].ceiling.slope.value == pytest.approx(KEPT_BYTES)
    assert "memory grows; resting to see whether it is given back" in told


def test_what_is_given_back_by_each_rest_is_calm_and_was_held_for_a_while(found: Find) -> None:
    growth, told = found(World(keep, give_back_all))
    assert (growth.answer, growth.held_for_a_while) == ("calm", True)
    assert "memory is given back after a rest; comparing rested levels" in told


def test_a_leak_beside_a_cache_that_gives_back_is_still_growing(found: Find) -> None:
    def give_back_the_cache(world: World) -> None:
        world.heap.bytes = world.calls * KEPT_BYTES // 4

    growth, _ = found(World(keep, give_back_the_cache))
    assert growth.answer == "growing"


def test_rested_levels_that_jump_once_leave_it_open(found: Find) -> None:
    rests: list[int] = []

    def give_back_less_in_the_end(world: World) -> None:
        rests.append(world.calls)
        world.heap.bytes = 0 if len(rests) < 9 else 3_000_000

    growth, _ = found(World(keep, give_back_less_in_the_end))
    assert (growth.answer, growth.reason) == ("open", "memory is given back only in part")


def test_what_goes_up_and_down_and_is_given_back_by_a_rest_is_calm(found: Find) -> None:
    def flush_once(world: World) -> None:
        world.heap.bytes = 0 if world.calls == 6_000 else world.heap.bytes + KEPT_BYTES

    growth, told = found(World(flush_once, give_back_all), seconds=21.0)
    assert growth.answer == "calm"
    assert "memory is given back after a rest; comparing rested levels" in told


def test_a_cache_of_ten_thousand_entries_at_a_millisecond_a_call_is_calm(found: Find) -> None:
    def fill(world: World) -> None:
        world.heap.bytes = min(world.calls, 10_000) * KEPT_BYTES

    growth, _ = found(World(fill))
    assert growth.answer == "calm"


def test_growth_of_slow_calls_is_certain_after_twelve_seconds_of_them(found: Find) -> None:
    world = World(keep)
    growth, _ = found(world)
    assert growth.answer == "growing"
    assert 12 <= world.calls / 1_000 <= 16


def test_calls_that_get_slower_and_slower_are_decided_within_twenty_seconds(found: Find) -> None:
    def search_then_keep(world: World) -> None:
        world.heap.bytes += KEPT_BYTES
        world.now += 0.00002 * world.calls

    world = World(search_then_keep)
    growth, _ = found(world, seconds=40.0)
    assert growth.answer == "growing"
    assert world.now < 20


def test_too_little_time_leaves_it_open(found: Find) -> None:
    growth, _ = found(World(keep), seconds=0.02)
    assert growth.answer == "open"
    assert "too few calls" in growth.reason
